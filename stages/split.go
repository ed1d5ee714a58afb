package stages

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"upi/data/table"
)

// Files of the artefacts of the stages images and reference. The raw files hold one record per image, so that any image can be
// read without its neighbours.
const (
	pixelsFile    = "pixels.u8"         // H x W x C bytes per image
	mapsFile      = "maps.f32"          // H x W little-endian float32 per image
	imagesFile    = "images.parquet"    // imageRow
	referenceFile = "reference.parquet" // referenceRow
)

// An imageRow is an image without its pixels.
type imageRow struct {
	ID    int64 `parquet:"id"`
	Label int64 `parquet:"label"`
}

// A referenceRow is what a model says about a clean image.
type referenceRow struct {
	ID int64 `parquet:"id"`
	// Class is the explained class.
	Class int64 `parquet:"class"`
	// Prediction is the argmax of the logits, and Probability p_class.
	Prediction  int64   `parquet:"prediction"`
	Probability float64 `parquet:"probability"`
	// Norm is the L1 norm of the explanation; where it is 0 or not finite the image has no map.
	Norm float64 `parquet:"norm"`
}

// A split is a sequence of images that can be read at any place, with what a model says of them where that is known.
type split struct {
	size, places int
	parts        []part
	images       []imageRow
	references   []referenceRow
}

type part struct {
	first        int
	pixels, maps *os.File
}

// openSplit opens artefacts of the stage images, in order, and those of the stage reference for the same images, if any. An
// image has size values and its map places values.
func openSplit(images, references []string, size, places int) (*split, error) {
	s := &split{size: size, places: places}
	for i, dir := range images {
		p := part{first: len(s.images)}
		rows, err := table.ReadAll[imageRow](filepath.Join(dir, imagesFile))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.images = append(s.images, rows...)
		if p.pixels, err = openRecords(filepath.Join(dir, pixelsFile), len(rows), size); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.parts = append(s.parts, p)
		if len(references) == 0 {
			continue
		}
		known, err := table.ReadAll[referenceRow](filepath.Join(references[i], referenceFile))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.references = append(s.references, known...)
		if s.parts[i].maps, err = openRecords(filepath.Join(references[i], mapsFile), len(rows), 4*places); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func openRecords(path string, n, size int) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open records: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open records: %w", err), f.Close())
	}
	if want := int64(n) * int64(size); info.Size() != want {
		return nil, errors.Join(fmt.Errorf("open records %s: it holds %d bytes, %d records of %d take %d", path, info.Size(), n, size, want),
			f.Close())
	}
	return f, nil
}

// Len is the number of images.
func (s *split) Len() int { return len(s.images) }

// Close closes the files.
func (s *split) Close() error {
	var problems []error
	for _, p := range s.parts {
		for _, f := range []*os.File{p.pixels, p.maps} {
			if f != nil {
				problems = append(problems, f.Close())
			}
		}
	}
	return errors.Join(problems...)
}

// part returns the part that holds image i, and i's place in it.
func (s *split) part(i int) (part, int) {
	at := len(s.parts) - 1
	for s.parts[at].first > i {
		at--
	}
	return s.parts[at], i - s.parts[at].first
}

// Pixels writes image i to dst, in pixel units. Scratch holds as many bytes as an image has values.
func (s *split) Pixels(i int, dst []float32, scratch []byte) error {
	p, at := s.part(i)
	if _, err := p.pixels.ReadAt(scratch, int64(at)*int64(s.size)); err != nil {
		return fmt.Errorf("read image %d: %w", s.images[i].ID, err)
	}
	for j, v := range scratch {
		dst[j] = float32(v)
	}
	return nil
}

// Map writes the clean map of image i to dst.
func (s *split) Map(i int, dst []float32) error {
	p, at := s.part(i)
	if _, err := p.maps.ReadAt(bytesOf(dst), int64(at)*4*int64(s.places)); err != nil {
		return fmt.Errorf("read map of image %d: %w", s.images[i].ID, err)
	}
	return nil
}

// bytesOf is the memory of values, little-endian as every machine that libtensorflow is built for.
func bytesOf(values []float32) []byte {
	if len(values) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), 4*len(values))
}
