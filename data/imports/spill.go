package imports

import (
	"bufio"
	"fmt"
	"os"
	"slices"

	"upi/data"
)

// spill is a copy on disk of the images of a set that must be read in its order, so that they can be written in another one. It takes
// the room of their pixels, beside the shards.
type spill struct {
	file   *os.File
	images map[int64]spilled // by place
}

type spilled struct {
	image data.Image // without pixels
	at    int64
	size  int
}

// spill reads the images of a set that any of the splits asks for.
func (j *job) spill(s *set, splits []split, dir string) (*spill, error) {
	var places []int64
	for _, other := range splits {
		if other.set == s {
			places = append(places, other.places...)
		}
	}
	slices.Sort(places)
	places = slices.Compact(places)
	file, err := os.CreateTemp(dir, "images-*")
	if err != nil {
		return nil, err
	}
	out := &spill{file: file, images: map[int64]spilled{}}
	w, at := bufio.NewWriterSize(file, 1<<20), int64(0)
	err = s.read(j, places, func(place int64, im data.Image) error {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		size := len(im.Pixels)
		if _, err := w.Write(im.Pixels); err != nil {
			return fmt.Errorf("copy image: %w", err)
		}
		im.Pixels = nil
		out.images[place] = spilled{im, at, size}
		at += int64(size)
		if j.progress != nil {
			j.progress("reading", int64(len(out.images)), int64(len(places)))
		}
		return nil
	})
	if err == nil {
		if err = w.Flush(); err != nil {
			err = fmt.Errorf("copy image: %w", err)
		}
	}
	if err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// read is that of a set, over the images that could be read.
func (s *spill) read(_ *job, places []int64, yield func(int64, data.Image) error) error {
	var pixels []byte
	for _, place := range places {
		found, ok := s.images[place]
		if !ok { // it was bad
			continue
		}
		pixels = slices.Grow(pixels[:0], found.size)[:found.size]
		if _, err := s.file.ReadAt(pixels, found.at); err != nil {
			return fmt.Errorf("read copy of image: %w", err)
		}
		im := found.image
		im.Pixels = pixels
		if err := yield(place, im); err != nil {
			return err
		}
	}
	return nil
}

func (s *spill) close() {
	if s != nil {
		s.file.Close()
	}
}
