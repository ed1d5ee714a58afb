package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data"
	"upi/data/picture"
)

// put writes a file below dir, with the folders on the way.
func put(t testing.TB, content []byte, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// read returns the images that a pattern in dir names.
func read(t testing.TB, dir, pattern string) (*data.Dataset, []data.Image) {
	t.Helper()
	d, err := data.Open(filepath.Join(dir, pattern), 0)
	if err != nil {
		t.Fatal(err)
	}
	var images []data.Image
	for _, s := range d.Shards() {
		r, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			im, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			images = append(images, im)
		}
	}
	return d, images
}

// summary is the ids and labels of images, "id:label" each.
func summary(images []data.Image) string {
	var parts []string
	for _, im := range images {
		parts = append(parts, fmt.Sprintf("%d:%d", im.ID, im.Label))
	}
	return strings.Join(parts, " ")
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	empty := t.TempDir()
	short := t.TempDir()
	put(t, idx([]int{5, 2, 3}, make([]byte, 11)), short, "t10k-images-idx3-ubyte")
	put(t, idx([]int{5}, make([]byte, 5)), short, "t10k-labels-idx1-ubyte")
	odd := t.TempDir()
	put(t, idx([]int{5, 2, 3}, make([]byte, 30)), odd, "t10k-images-idx3-ubyte")
	put(t, idx([]int{4}, make([]byte, 4)), odd, "t10k-labels-idx1-ubyte")
	cases := []struct {
		kind, source string
		o            Options
		want         string
	}{
		{"svhn", "", Options{}, "cifar10, datasets, idx, image-folder, mnist, parquet, tiny-imagenet"},
		{"idx", "", Options{}, "say where its files are"},
		{"idx", empty, Options{}, "t10k-images-idx3-ubyte"},
		{"cifar10", empty, Options{}, "test_batch.bin"},
		{"tiny-imagenet", empty, Options{}, "wnids.txt"},
		{"image-folder", empty, Options{}, "one per class"},
		{"parquet", empty, Options{}, "*.parquet"},
		{"idx", short, Options{}, "image 1 of"},
		{"idx", odd, Options{}, "4 labels"},
		{"idx", short, Options{Splits: []string{"dev"}}, "fit, test"},
		{"idx", short, Options{Limit: -1}, "below 0"},
		{"parquet", short, Options{Pictures: picture.Options{Resize: picture.Resize{Mode: picture.Crop, Size: 1 << 20}}}, "1..4096"},
		{"parquet", short, Options{Pictures: picture.Options{Resize: picture.Resize{Mode: picture.Crop, Size: 8, Shorter: 4}}}, "shorter side of 4"},
		{"parquet", short, Options{Pictures: picture.Options{Channels: 2}}, "1 or 3"},
		{"idx", short, Options{Pictures: picture.Options{OnWhite: true}}, "one size"},
	}
	for _, c := range cases {
		dst := t.TempDir()
		_, err := Import(t.Context(), c.kind, c.source, dst, c.o, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.kind) {
			t.Errorf("import %s %+v: %v does not say %q", c.kind, c.o, err, c.want)
		}
		if left, _ := os.ReadDir(dst); len(left) != 0 {
			t.Errorf("import %s left %v behind", c.kind, left)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	full := t.TempDir()
	putMNIST(t, full, "t10k", 10, false, false)
	if _, err := Import(ctx, "idx", full, t.TempDir(), Options{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled import gave %v", err)
	}
}

func TestPackageOfAnotherContentIsRefused(t *testing.T) {
	path := put(t, []byte("not the package"), t.TempDir(), "p.tgz")
	if err := mnistPack.verify(path); err == nil || !strings.Contains(err.Error(), "SHA-512") {
		t.Errorf("it passed: %v", err)
	}
}
