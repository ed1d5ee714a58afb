// Package imageset keeps images on disk so that any of them can be read without its neighbours, with what a model says of them, and
// puts them into batches.
package imageset

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"upi/data/table"
)

// Files of a directory of images and of one of references. The raw files hold a record per image.
const (
	PixelsFile    = "pixels.u8"         // H x W x C bytes per image
	MapsFile      = "maps.f32"          // H x W little-endian float32 per image
	ImagesFile    = "images.parquet"    // Image
	ReferenceFile = "reference.parquet" // Reference
)

// An Image is an image without its pixels.
type Image struct {
	ID int64 `parquet:"id"`
	// Name is the id where that is a text, and ID then a hash of it; else it is empty.
	Name  string `parquet:"name"`
	Label int64  `parquet:"label"`
}

// String is the image's id.
func (i Image) String() string {
	if i.Name != "" {
		return i.Name
	}
	return strconv.FormatInt(i.ID, 10)
}

// A Reference is what a model says about a clean image.
type Reference struct {
	ID    int64 `parquet:"id"`
	Label int64 `parquet:"label"`
	// Class is the explained class.
	Class int64 `parquet:"class"`
	// Prediction is the argmax of the logits, and Probability p_class.
	Prediction  int64   `parquet:"prediction"`
	Probability float64 `parquet:"probability"`
	// Norm is the L1 norm of the explanation; where it is 0 or not finite the image has no map.
	Norm float64 `parquet:"norm"`
}

// A Part is one shard of a set: a directory of images and, where a model's word on them is known, one of references. Answers, if
// there, is another one, whose predictions count instead: those of the network itself, where the references are a surrogate's.
type Part struct{ Images, References, Answers string }

// A Set is a sequence of images that can be read in any order, by several goroutines at once.
type Set struct {
	// Size is the number of values of an image, and Pixels that of its map.
	Size, Pixels int
	Images       []Image
	References   []Reference

	parts []part
}

type part struct {
	first        int
	pixels, maps *Records
}

// Open opens the parts in order. An image has H x W x C values, as shape says, and its map H x W.
func Open(shape [3]int, parts ...Part) (*Set, error) {
	pixels := shape[0] * shape[1]
	s := &Set{Size: pixels * shape[2], Pixels: pixels}
	// So many parts are held open. Of more than that a file is opened each time: a process may not have enough of them.
	hold := len(parts) <= 128
	for _, p := range parts {
		opened := part{first: len(s.Images)}
		s.parts = append(s.parts, opened)
		if err := s.open(p, &s.parts[len(s.parts)-1], hold); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Set) open(from Part, p *part, hold bool) error {
	images, err := table.ReadAll[Image](filepath.Join(from.Images, ImagesFile))
	if err != nil {
		return err
	}
	s.Images = append(s.Images, images...)
	if p.pixels, err = OpenRecords(filepath.Join(from.Images, PixelsFile), len(images), s.Size, hold); err != nil {
		return err
	}
	if from.References == "" {
		return nil
	}
	references, err := readReferences(from.References, from.Images, len(images))
	if err != nil {
		return err
	}
	if from.Answers != "" {
		answers, err := readReferences(from.Answers, from.Images, len(images))
		if err != nil {
			return err
		}
		for i := range references {
			references[i].Prediction = answers[i].Prediction
		}
	}
	s.References = append(s.References, references...)
	p.maps, err = OpenRecords(filepath.Join(from.References, MapsFile), len(images), 4*s.Pixels, hold)
	return err
}

// readReferences reads those of the n images of a directory.
func readReferences(dir, images string, n int) ([]Reference, error) {
	references, err := table.ReadAll[Reference](filepath.Join(dir, ReferenceFile))
	if err == nil && len(references) != n {
		err = fmt.Errorf("open references %s: %d for the %d images of %s", dir, len(references), n, images)
	}
	return references, err
}

// Close closes the files.
func (s *Set) Close() {
	for _, p := range s.parts {
		p.pixels.Close()
		p.maps.Close()
	}
}

// Len is the number of images.
func (s *Set) Len() int { return len(s.Images) }

// Bounds are the positions of the first image of a part, by its number, and of the one after its last.
func (s *Set) Bounds(part int) (first, end int) {
	if part+1 < len(s.parts) {
		return s.parts[part].first, s.parts[part+1].first
	}
	return s.parts[part].first, len(s.Images)
}

// HasMap says whether image i has a map.
func (s *Set) HasMap(i int) bool { return s.References[i].HasMap() }

// HasMap says whether the image has a map.
func (r Reference) HasMap() bool { return r.Norm > 0 && r.Norm-r.Norm == 0 }

// part returns the part that holds image i, and i's position in it.
func (s *Set) part(i int) (part, int) {
	lo, hi := 0, len(s.parts)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.parts[mid].first <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	return s.parts[lo], i - s.parts[lo].first
}

// ReadPixels writes image i to dst, in pixel units. Scratch holds as many bytes as an image has values.
func (s *Set) ReadPixels(i int, dst []float32, scratch []byte) error {
	if err := s.ReadBytes(i, scratch); err != nil {
		return err
	}
	for j, v := range scratch {
		dst[j] = float32(v)
	}
	return nil
}

// ReadBytes writes image i to dst as bytes.
func (s *Set) ReadBytes(i int, dst []byte) error {
	p, at := s.part(i)
	if err := p.pixels.Read(at, dst); err != nil {
		return fmt.Errorf("read image %s: %w", s.Images[i], err)
	}
	return nil
}

// ReadMap writes the clean map of image i to dst.
func (s *Set) ReadMap(i int, dst []float32) error {
	p, at := s.part(i)
	if err := p.maps.Read(at, BytesOf(dst)); err != nil {
		return fmt.Errorf("read map of image %s: %w", s.Images[i], err)
	}
	return nil
}

// BytesOf is the memory of values, little-endian as every machine that libtensorflow is built for.
func BytesOf(values []float32) []byte {
	if len(values) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), 4*len(values))
}

// Records is a file of records of one size, each of which can be read without the others.
type Records struct {
	path string
	size int
	file *os.File // nil where it is opened for each record
}

// OpenRecords opens a file of n records of size bytes. Unless it is to be held open, each read opens it anew.
func OpenRecords(path string, n, size int, hold bool) (*Records, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open records: %w", err)
	}
	if want := int64(n) * int64(size); info.Size() != want {
		return nil, fmt.Errorf("open records %s: it holds %d bytes, %d records of %d take %d", path, info.Size(), n, size, want)
	}
	r := &Records{path: path, size: size}
	if hold {
		if r.file, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("open records: %w", err)
		}
	}
	return r, nil
}

// Read fills dst with record i and, if dst is longer, those after it.
func (r *Records) Read(i int, dst []byte) error {
	f := r.file
	if f == nil {
		var err error
		if f, err = os.Open(r.path); err != nil {
			return err
		}
		defer f.Close()
	}
	_, err := f.ReadAt(dst, int64(i)*int64(r.size))
	return err
}

// Close closes the file. Closing nil, or again, does nothing.
func (r *Records) Close() {
	if r != nil && r.file != nil {
		r.file.Close()
	}
}
