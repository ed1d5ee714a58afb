package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/internal/pythontest"
)

// TestReadsColumnsOfOtherNamesAndTypes reads the files of interop.py's write-others. Pixels are its formula.
func TestReadsColumnsOfOtherNamesAndTypes(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-others", dir)
	text := func(i int) string { return fmt.Sprintf("img_%d.png", i) }
	uuid := func(i int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", i) }
	third := func(i int) int64 { return int64(i % 3) }
	for _, c := range []struct {
		file     string
		columns  Columns
		channels int
		name     func(int) string // nil: ids are numbers
		label    func(int) int64
		classes  string
	}{
		{"text-ids", Columns{}, 3, text, third, ""},
		{"text-ids", Columns{ID: NoID}, 3, nil, third, ""},
		{"text-ids-binary", Columns{}, 3, text, third, ""},
		{"text-ids-dictionary", Columns{}, 3, text, third, ""},
		{"uuid-ids", Columns{}, 3, uuid, third, ""},
		{"float-ids", Columns{}, 3, nil, third, ""},
		{"other-names", Columns{Image: "photo", Label: "fine_label", ID: "file"}, 3, text, third, ""},
		{"text-labels", Columns{}, 3, nil, func(i int) int64 { return []int64{2, 0, 1}[i%3] }, "Ameise bär zebra"},
		{"text-labels-dictionary", Columns{}, 3, nil, func(i int) int64 { return []int64{2, 0, 1}[i%3] }, "Ameise bär zebra"},
		{"number-texts", Columns{}, 3, nil, func(i int) int64 { return []int64{10, 2, 0}[i%3] }, ""},
		{"float-labels", Columns{}, 3, nil, third, ""},
		{"bool-labels", Columns{}, 3, nil, func(i int) int64 { return int64(i % 2) }, ""},
		{"nested-uint8", Columns{}, 3, nil, third, ""},
		{"nested-int64", Columns{}, 3, nil, third, ""},
		{"nested-grey", Columns{}, 1, nil, third, ""},
		{"tensor", Columns{}, 3, nil, third, ""},
		{"array3d", Columns{}, 3, nil, third, "cat dog frog"},
		{"array2d", Columns{}, 1, nil, third, "cat dog frog"},
		{"paths", Columns{FollowPaths: FollowBeside}, 3, nil, third, ""},
		{"path-texts", Columns{FollowPaths: dir}, 3, nil, third, ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			d, err := OpenWith(filepath.Join(dir, c.file+".parquet"), Options{Columns: c.columns})
			if err != nil {
				t.Fatal(err)
			}
			images, err := readImages(d)
			if err != nil {
				t.Fatal(err)
			}
			if d.Shape() != [3]int{5, 7, c.channels} || len(images) != 8 || strings.Join(d.ClassNames(), " ") != c.classes || d.TextIDs() != (c.name != nil) {
				t.Fatalf("%d images of %v, classes %q, text ids %t", len(images), d.Shape(), d.ClassNames(), d.TextIDs())
			}
			for i, im := range images {
				id, name := int64(i), ""
				if c.name != nil {
					name = c.name(i)
					sum := sha256.Sum256([]byte(name))
					id = int64(binary.BigEndian.Uint64(sum[:]))
				}
				if im.ID != id || im.Name != name || im.Label != c.label(i) {
					t.Fatalf("image %d has id %d, name %q, label %d, wanted %d, %q, %d", i, im.ID, im.Name, im.Label, id, name, c.label(i))
				}
				for k, got := range im.Pixels {
					channel, pixel := k%c.channels, k/c.channels
					if want := (i*37 + pixel/7*11 + pixel%7*5 + channel*3) % 256; int(got) != want {
						t.Fatalf("image %d, place %d is %d, wanted %d", i, k, got, want)
					}
				}
			}
		})
	}
	for _, c := range []struct {
		file    string
		columns Columns
		want    []string
	}{
		{"other-names", Columns{}, []string{`"photo"`, "--image", "data.image"}},
		{"other-names", Columns{Image: "photo"}, []string{`no column "label"`, "fine_label", "--label", "data.label"}},
		{"other-names", Columns{Image: "photo", Label: "fine_label", ID: "files"}, []string{`no column "files"`, "--id"}},
		{"other-names", Columns{Image: "photo", Label: "fine_label"}, []string{"id 9", "row 0", "row 1"}},
		{"text-ids-twice", Columns{}, []string{`id "img_0.png"`, "row 0", "row 7"}},
		{"date-ids", Columns{}, []string{"Date", "--id", "none"}},
		{"half-labels", Columns{}, []string{"row 0", "0.5", "whole"}},
		{"nested-ragged", Columns{}, []string{"depth 2", "1 and 2"}},
		{"nested-floats", Columns{}, []string{"FLOAT", "0..255"}},
		{"nested-planes", Columns{}, []string{"3 x 5 x 7", "height x width x channels"}},
		{"paths", Columns{}, []string{"pictures/0.png", "--follow-paths"}},
		{"paths", Columns{FollowPaths: filepath.Join(dir, "pictures")}, []string{"pictures/0.png"}},
	} {
		d, err := OpenWith(filepath.Join(dir, c.file+".parquet"), Options{Columns: c.columns})
		if err == nil {
			_, err = readImages(d)
		}
		if err == nil {
			t.Errorf("%s with %+v passed", c.file, c.columns)
			continue
		}
		for _, want := range append(c.want, c.file) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %+v: error %q does not say %q", c.file, c.columns, err, want)
			}
		}
	}
}

func TestPathsLeadNowhereElse(t *testing.T) {
	dir := t.TempDir()
	inside, outside := filepath.Join(dir, "in"), filepath.Join(dir, "secret.png")
	for _, path := range []string{outside, filepath.Join(inside, "sub", "a.png")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(inside, "link.png")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sub/a.png", filepath.Join(inside, "sub", "a.png"), "./sub/../sub/a.png"} {
		if got, err := ReadBelow(inside, path); err != nil || string(got) != "x" {
			t.Errorf("%s gave %q (%v)", path, got, err)
		}
	}
	for _, path := range []string{"../secret.png", outside, "link.png", "sub", "none.png", "/etc/passwd", "sub/../../secret.png"} {
		if got, err := ReadBelow(inside, path); err == nil {
			t.Errorf("%s gave %q", path, got)
		}
	}
}

// TestTextIDsSurviveWriting writes text ids and reads them back; two texts of one number are an error that names both.
func TestTextIDsSurviveWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	writeShard(t, path, Schema{Shape: [3]int{1, 1, 1}, TextIDs: true}, Image{ID: TextID("ä.png"), Name: "ä.png", Pixels: []byte{1}},
		Image{ID: TextID("b"), Name: "b", Pixels: []byte{2}})
	d, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	images, err := readImages(d)
	if err != nil || !d.TextIDs() || images[0].Name != "ä.png" || images[0].ID != TextID("ä.png") || images[1].Name != "b" {
		t.Errorf("they came back as %+v (%v)", images, err)
	}
	// FIPS 180-2, appendix B.1: the SHA-256 of "abc" begins with ba7816bf 8f01cfea.
	if got, want := uint64(TextID("abc")), uint64(0xba7816bf8f01cfea); got != want {
		t.Errorf("the number of abc is %x, wanted %x", got, want)
	}
}

// TestRowErrorsLeaveTheNextRow: after a row that is bad in any of its columns the next is read as if nothing had been.
func TestRowErrorsLeaveTheNextRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.parquet")
	writeRows(t, path, "image label id", row{greyPNG(4), number(0), number(10)}, row{greyPNG(4)[:50], number(1), number(11)}, row{greyPNG(4), nil, number(12)},
		row{greyPNG(4), number(1), nil}, row{nil, number(1), number(14)}, row{greyPNG(4), number(-1), number(15)}, row{greyPNG(4), number(2), number(16)})
	d, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Shards()[0].Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		_, err := r.Next()
		if bad, ok := err.(*RowError); !ok || bad.Row != int64(i+1) || bad.Path != path {
			t.Fatalf("row %d gave %v", i+1, err)
		}
	}
	last, err := r.Next()
	if err != nil || last.ID != 16 || last.Label != 2 || last.Row != 6 || !bytes.Equal(first.Pixels, last.Pixels) {
		t.Errorf("the last row is %+v (%v)", last, err)
	}
	labels, err := d.Labels(t.Context())
	if want := []int64{0, 1, -1, 1, 1, -1, 2}; err != nil || !slices.Equal(labels, want) {
		t.Errorf("labels %v (%v), wanted %v", labels, err, want)
	}
}
