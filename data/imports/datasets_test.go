package imports

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data"
	"upi/internal/pythontest"
)

// TestDatasetsOnDisk reads what the datasets library keeps on disk, by way of interop.py, whose formulas give pixels and labels.
func TestDatasetsOnDisk(t *testing.T) {
	src := t.TempDir()
	pythontest.Run(t, "interop.py", "write-arrow", src)
	for _, c := range []struct {
		from   string
		splits map[string][]int
	}{
		{"saved", map[string][]int{"all": {0, 1, 2, 3, 4, 5, 6, 7}}},
		{"cache", map[string][]int{"all": {0, 1, 2, 3, 4, 5, 6, 7}}},
		{"dict", map[string][]int{"train": {0, 1, 2, 3}, "fit": {4, 5}, "test": {6, 7}}},
	} {
		t.Run(c.from, func(t *testing.T) {
			dst := t.TempDir()
			o := Options{Columns: data.Columns{ID: "file"}}
			for name := range c.splits {
				o.Splits = append(o.Splits, name)
			}
			r, err := Import(t.Context(), "datasets", filepath.Join(src, c.from), dst, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(r.ClassNames, " ") != "cat dog frog" || len(r.Skipped) != 0 {
				t.Errorf("classes %q, left out %v", r.ClassNames, r.Skipped)
			}
			for name, want := range c.splits {
				_, images := read(t, dst, name+"-*")
				var got []int
				for _, im := range images {
					var i int
					if _, err := fmt.Sscanf(im.Name, "img_%d.png", &i); err != nil {
						t.Fatal(err)
					}
					got = append(got, i)
					if im.Label != int64(i%3) || int(im.Pixels[104]) != (i*37+4*11+6*5+2*3)%256 {
						t.Errorf("image %q has label %d and ends in %d", im.Name, im.Label, im.Pixels[104])
					}
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("split %s holds %v, wanted %v", name, got, want)
				}
			}
		})
	}
	for name, want := range map[string]string{"empty": "state.json", "odd": "leads out", "selected": "selection"} {
		dir := t.TempDir()
		switch name {
		case "odd":
			put(t, []byte(`{"splits": ["../saved"]}`), dir, "dataset_dict.json")
		case "selected":
			put(t, []byte(`{"_data_files": [{"filename": "dataset.arrow"}], "_indices_data_files": [{"filename": "indices.arrow"}]}`), dir, "state.json")
		}
		if _, err := Import(t.Context(), "datasets", dir, t.TempDir(), Options{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %v, wanted it to say %q", name, err, want)
		}
	}
}
