package data

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// row is one line of a shard that a Writer would not write; nil is NULL.
type row struct {
	image []byte
	label *int64
	id    *int64
}

func number(v int64) *int64 { return &v }

// greyPNG encodes a grey picture that is as high as wide.
func greyPNG(size int) []byte {
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, size, size))); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func encodePNG(t testing.TB, p image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// writeRows writes columns image (binary), label and id, of which those not in columns are left out.
func writeRows(t testing.TB, path string, columns string, rows ...row) {
	t.Helper()
	var nodes schema.FieldList
	for name := range strings.FieldsSeq(columns) {
		if name == "image" {
			nodes = append(nodes, schema.NewByteArrayNode(name, parquet.Repetitions.Optional, -1))
			continue
		}
		nodes = append(nodes, schema.NewInt64Node(name, parquet.Repetitions.Optional, -1))
	}
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1))
	o, err := column.Create(path, root, parquet.NewWriterProperties())
	if err != nil {
		t.Fatal(err)
	}
	err = o.RowGroup(func(_ int, w file.ColumnChunkWriter) (err error) {
		var defs []int16
		var numbers []int64
		var pictures []parquet.ByteArray
		for _, r := range rows {
			defs = append(defs, 0)
			switch v := map[string]*int64{"label": r.label, "id": r.id}[w.Descr().Name()]; {
			case w.Descr().Name() == "image" && r.image != nil:
				pictures, defs[len(defs)-1] = append(pictures, r.image), 1
			case v != nil:
				numbers, defs[len(defs)-1] = append(numbers, *v), 1
			}
		}
		if w, ok := w.(*file.ByteArrayColumnChunkWriter); ok {
			_, err = w.WriteBatch(pictures, defs, nil)
			return err
		}
		_, err = w.(*file.Int64ColumnChunkWriter).WriteBatch(numbers, defs, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBadShardsAreErrorsThatSayWhere(t *testing.T) {
	good := row{greyPNG(4), number(0), number(1)}
	opaque := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for i := 3; i < len(opaque.Pix); i += 4 {
		opaque.Pix[i] = 255
	}
	// The head of a PNG of 60,000 x 60,000 pixels.
	huge := greyPNG(4)
	copy(huge[16:], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	fixCRC(huge)
	flipped := greyPNG(4)
	flipped[len(flipped)-20] ^= 1
	cases := []struct {
		name    string
		columns string
		rows    []row
		want    []string
	}{
		{"no label column", "image id", []row{good}, []string{`no column "label"`, `"image" "id"`}},
		{"no image column", "label id", []row{good}, []string{`"image" or "img"`, `"pixels"`}},
		{"NULL image", "image label id", []row{good, {nil, number(0), number(2)}}, []string{"row 1", "image is NULL"}},
		{"NULL label", "image label id", []row{good, {greyPNG(4), nil, number(2)}}, []string{"row 1", "label is NULL"}},
		{"NULL id", "image label id", []row{good, {greyPNG(4), number(0), nil}}, []string{"row 1", "id is NULL"}},
		{"negative label", "image label id", []row{{greyPNG(4), number(-1), number(2)}}, []string{"row 0", "label -1"}},
		{"another size", "image label id", []row{good, {greyPNG(5), number(0), number(2)}}, []string{"row 1", "5 x 5 x 1", "4 x 4 x 1", "--size"}},
		{"other channels", "image label id", []row{good, {encodePNG(t, opaque), number(0), number(2)}}, []string{"row 1", "4 x 4 x 3"}},
		{"id twice", "image label id", []row{good, {greyPNG(4), number(0), number(0)}, good}, []string{"id 1", "row 0", "row 2"}},
		{"huge claim", "image label", []row{{image: huge, label: number(0)}}, []string{"row 0", "60000 x 60000"}},
		{"huge claim later", "image label", []row{good, {image: huge, label: number(0)}}, []string{"row 1", "60000 x 60000"}},
		{"no picture", "image label", []row{{image: []byte("<html>"), label: number(0)}}, []string{"row 0", "<html>", "none of JPEG, PNG"}},
		{"empty image", "image label", []row{{image: []byte{}, label: number(0)}}, []string{"row 0", "is empty"}},
		{"cut image", "image label", []row{good, {image: greyPNG(4)[:50], label: number(0)}}, []string{"row 1", "damaged"}},
		{"flipped bit", "image label", []row{good, {image: flipped, label: number(0)}}, []string{"row 1", "damaged"}},
		{"no rows", "image label", nil, []string{"no images"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.parquet")
			writeRows(t, path, c.columns, c.rows...)
			d, err := Open(path, 0)
			if err == nil {
				_, err = readImages(d)
			}
			if err == nil {
				t.Fatal("it passed")
			}
			for _, want := range append(c.want, "bad.parquet") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestPaletteAndOpaqueBecomeRGB(t *testing.T) {
	colours := color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{4, 5, 6, 255}}
	palette := image.NewPaletted(image.Rect(0, 0, 2, 1), colours)
	palette.Pix[1] = 1
	path := filepath.Join(t.TempDir(), "p.parquet")
	writeRows(t, path, "image label", row{image: encodePNG(t, palette), label: number(0)})
	d, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	images, err := readImages(d)
	if err != nil || d.Shape() != [3]int{1, 2, 3} || !bytes.Equal(images[0].Pixels, []byte{1, 2, 3, 4, 5, 6}) {
		t.Errorf("a palette came back as %v of %v (%v)", images, d.Shape(), err)
	}
}
