package imports

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data"
)

// fill writes a small picture of one colour under each name below dir.
func fill(t testing.TB, dir string, names ...string) {
	t.Helper()
	picture := plain(t, 4, 4, color.RGBA{200, 0, 0, 255})
	for _, name := range names {
		put(t, picture, dir, filepath.FromSlash(name))
	}
}

// byID is summary with the images sorted by their ids.
func byID(images []data.Image) string {
	slices.SortFunc(images, func(a, b data.Image) int { return int(a.ID - b.ID) })
	return summary(images)
}

// leftOut is what a result has left out, "PATH: REASON" each, paths below dir.
func leftOut(r *Result, dir string) []string {
	var out []string
	for _, s := range r.Skipped {
		out = append(out, fmt.Sprintf("%s: %s (%d)", strings.TrimPrefix(s.Path, dir+"/"), s.Reason, s.Files))
	}
	return out
}

// messy is a folder as systems leave it: hidden files, notes, a nested class, an empty one.
func messy(t testing.TB) string {
	src := t.TempDir()
	fill(t, src, "ant/1.png", "ant/2.PNG", "ant/wings/3.png", "ant/wings/more/4.png", "bee/1.png", "bee/no_ending", "loose.png")
	put(t, []byte("text"), src, "ant", "notes.txt")
	put(t, []byte("text"), src, "README.md")
	for _, name := range []string{"ant/._1.png", "ant/.DS_Store", "bee/Thumbs.db", "__MACOSX/ant/._1.png", "__MACOSX/ant/._2.png"} {
		put(t, []byte("\x00\x05\x16\x07"), src, filepath.FromSlash(name))
	}
	if err := os.Mkdir(filepath.Join(src, "cat"), 0o755); err != nil {
		t.Fatal(err)
	}
	return src
}

func TestImageFolderLosesNothingInSilence(t *testing.T) {
	src, dst := messy(t), t.TempDir()
	r, err := Import(t.Context(), "image-folder", src, dst, Options{Splits: []string{"all"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, images := read(t, dst, "all-*")
	if got := byID(images); got != "0:0 1:0 2:0 3:0 4:1 5:1" || strings.Join(d.ClassNames(), " ") != "ant bee cat" {
		t.Errorf("it holds %s of %v", got, d.ClassNames())
	}
	want := []string{
		"README.md: not a picture (1)", "__MACOSX: hidden (2)", "ant/.DS_Store: hidden (1)", "ant/._1.png: hidden (1)", "ant/notes.txt: not a picture (1)",
		"bee/Thumbs.db: hidden (1)", "loose.png: in no class (1)",
	}
	if got := leftOut(r, src); !slices.Equal(got, want) {
		t.Errorf("left out are %q, wanted %q", got, want)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `no pictures of "cat"`) {
		t.Errorf("warnings %q", r.Warnings)
	}
	if len(r.Splits) != 1 || r.Splits[0].Images != 6 || !slices.Equal(r.Splits[0].PerClass, []int64{4, 2, 0}) {
		t.Errorf("it says that it made %+v", r.Splits)
	}
	file, err := os.ReadFile(filepath.Join(dst, "skipped.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(lines) != 1+len(want) || lines[1][0] != filepath.Join(src, "README.md") || lines[1][1] != "not a picture" {
		t.Errorf("skipped.csv holds %q (%v)", lines, err)
	}
	classes, err := os.ReadFile(filepath.Join(dst, "classes.csv"))
	if err != nil || string(classes) != "split,label,class,images\nall,0,ant,4\nall,1,bee,2\nall,2,cat,0\n" {
		t.Errorf("classes.csv holds %q (%v)", classes, err)
	}
	// Another split into the same folder adds its lines.
	if _, err := Import(t.Context(), "image-folder", src, dst, Options{Splits: []string{"fit"}}, nil); err != nil {
		t.Fatal(err)
	}
	if classes, err := os.ReadFile(filepath.Join(dst, "classes.csv")); err != nil || strings.Count(string(classes), "\n") != 7 {
		t.Errorf("classes.csv holds %q (%v)", classes, err)
	}
	if again, err := os.ReadFile(filepath.Join(dst, "skipped.csv")); err != nil || string(again) != string(file) {
		t.Errorf("skipped.csv holds %q (%v)", again, err)
	}
}

func TestBadPicturesAreNamedInOneGoAndCanBeSkipped(t *testing.T) {
	src := t.TempDir()
	fill(t, src, "a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/1.png")
	whole, err := os.ReadFile(filepath.Join(src, "a", "0.png"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, nil, src, "a", "0.png") // the first of all, whose shape would be that of the set
	put(t, []byte("<html>404</html>"), src, "a", "3.jpg")
	put(t, whole[:len(whole)/2], src, "b", "2.png")
	for _, skip := range []int64{0, 2} {
		dst := t.TempDir()
		_, err := Import(t.Context(), "image-folder", src, dst, Options{SkipBad: skip}, nil)
		if err == nil {
			t.Fatal("it passed")
		}
		for _, want := range []string{"read: 3;", "--skip-bad 3", filepath.Join(src, "a/0.png"), filepath.Join(src, "a/3.jpg"), filepath.Join(src, "b/2.png")} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
		if left, _ := os.ReadDir(dst); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	dst := t.TempDir()
	r, err := Import(t.Context(), "image-folder", src, dst, Options{SkipBad: 3, ShardRows: 1, Splits: []string{"fit", "test", "all"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, images := read(t, dst, "all-*-of-00004.parquet")
	if got := byID(images); got != "1:0 2:0 4:1 5:1" {
		t.Errorf("it holds %s", got)
	}
	want := []string{"a/0.png: cannot be read (1)", "a/3.jpg: cannot be read (1)", "b/2.png: cannot be read (1)"}
	if got := leftOut(r, src); !slices.Equal(got, want) {
		t.Errorf("left out are %q, wanted %q", got, want)
	}
}

func TestAFolderOfNothingButBadPictures(t *testing.T) {
	src := t.TempDir()
	for i := range 300 {
		put(t, []byte("no picture"), src, "a", fmt.Sprintf("%03d.jpg", i))
	}
	for _, skip := range []int64{0, 5, 1000} {
		_, err := Import(t.Context(), "image-folder", src, t.TempDir(), Options{SkipBad: skip}, nil)
		if err == nil || !strings.Contains(err.Error(), "000.jpg") || strings.Count(err.Error(), "\n") > NamedBad+1 {
			t.Errorf("with %d to skip it gave %v", skip, err)
		}
	}
}

// TestLayouts reads the same pictures in the layouts in which sets come, as they are, in one more folder, and in archives.
func TestLayouts(t *testing.T) {
	classes := func(split string, n int) (names []string) {
		for _, class := range []string{"x", "y"} {
			for i := range n {
				names = append(names, fmt.Sprintf("%s%s/%d.png", split, class, i))
			}
		}
		return names
	}
	for _, c := range []struct {
		name  string
		files []string
		want  map[string]int
		left  string
	}{
		{"plain", classes("", 4), map[string]int{"fit": 4, "test": 4}, ""},
		{"train and test", append(classes("train/", 3), classes("test/", 2)...), map[string]int{"train": 6, "fit": 2, "test": 2}, ""},
		{"train and validation", append(classes("train/", 3), classes("validation/", 2)...), map[string]int{"train": 6, "fit": 2, "test": 2}, ""},
		{"train and val", append(classes("Train/", 3), classes("Val/", 2)...), map[string]int{"train": 6, "fit": 2, "test": 2}, ""},
		{"all three", slices.Concat(classes("train/", 3), classes("val/", 1), classes("test/", 2)), map[string]int{"train": 6, "fit": 2, "test": 4}, ""},
		{"a test set without classes", slices.Concat(classes("train/", 3), classes("val/", 2), []string{"test/1.png", "test/2.png"}),
			map[string]int{"train": 6, "fit": 2, "test": 2}, "test: in no class (2)"},
		{"another folder", slices.Concat(classes("train/", 1), classes("test/", 2), classes("extra/", 1)),
			map[string]int{"train": 2, "fit": 2, "test": 2}, "extra: in no split or set (2)"},
	} {
		for _, form := range []string{"folder", "wrapped", "zip", "tar", "tar.gz", "wrapped.zip"} {
			t.Run(c.name+" as "+form, func(t *testing.T) {
				root := t.TempDir()
				src, wrapping := filepath.Join(root, "src"), ""
				if strings.HasPrefix(form, "wrapped") {
					wrapping = "set/"
					put(t, []byte("x"), src, ".DS_Store")
				}
				for _, name := range c.files {
					fill(t, src, wrapping+name)
				}
				shown := filepath.Join(src, wrapping)
				switch {
				case strings.HasSuffix(form, "zip"):
					shown = filepath.Join(root, "set.zip", wrapping)
					src = put(t, zipFolder(t, src), root, "set.zip")
				case strings.HasPrefix(form, "tar"):
					packed := tarFolder(t, src)
					if form == "tar.gz" {
						packed = zipped(t, packed)
					}
					src = put(t, packed, root, "set."+form)
					shown = src
				}
				dst := filepath.Join(root, "dst")
				r, err := Import(t.Context(), "image-folder", src, dst, Options{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]int{}
				for _, s := range r.Splits {
					got[s.Name] = int(s.Images)
					if s.PerClass[0] != s.PerClass[1] {
						t.Errorf("split %s has %v of its classes", s.Name, s.PerClass)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("it made %v, wanted %v", got, c.want)
				}
				left := leftOut(r, shown)
				left = slices.DeleteFunc(left, func(s string) bool { return strings.Contains(s, ".DS_Store: hidden") })
				if strings.Join(left, " ") != c.left {
					t.Errorf("left out are %q, wanted %q", left, c.left)
				}
			})
		}
	}
}

// each visits the files below a folder with their slash-separated names.
func each(t testing.TB, dir string, visit func(name string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		visit(filepath.ToSlash(name), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func zipFolder(t testing.TB, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	each(t, dir, func(name string, content []byte) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarFolder(t testing.TB, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	each(t, dir, func(name string, content []byte) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), Typeflag: tar.TypeReg, Format: tar.FormatPAX})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAListOfAnotherKind stands where the import's own would: it is not overwritten, and that is said before anything is read.
func TestAListOfAnotherKind(t *testing.T) {
	src, dst := messy(t), t.TempDir()
	put(t, []byte("my own notes\n"), dst, "skipped.csv")
	if _, err := Import(t.Context(), "image-folder", src, dst, Options{}, nil); err == nil || !strings.Contains(err.Error(), "skipped.csv does not begin with path,reason") {
		t.Errorf("it gave %v", err)
	}
}

// TestLinksInFolders: a link to pictures elsewhere counts as what it leads to; one that leads nowhere, or back to where it lies, is noted.
func TestLinksInFolders(t *testing.T) {
	src, elsewhere := t.TempDir(), t.TempDir()
	fill(t, src, "ant/1.png", "ant/2.png")
	fill(t, elsewhere, "bees/1.png", "bees/2.png")
	for name, target := range map[string]string{
		"bee": filepath.Join(elsewhere, "bees"), "ant/3.png": filepath.Join(elsewhere, "bees", "1.png"), "ant/loop": "..", "ant/loop2": ".", "ant/gone.png": "nothing",
	} {
		if err := os.Symlink(target, filepath.Join(src, name)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Import(t.Context(), "image-folder", src, t.TempDir(), Options{Splits: []string{"all"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Splits[0].PerClass, []int64{5, 2}) { // ant/loop/bee holds two of the ants
		t.Errorf("it holds %v", r.Splits[0].PerClass)
	}
	want := []string{"ant/gone.png: a link (1)", "ant/loop/ant: a link (1)", "ant/loop2: a link (1)"}
	if got := leftOut(r, src); !slices.Equal(got, want) {
		t.Errorf("left out are %q, wanted %q", got, want)
	}
}
