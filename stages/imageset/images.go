package imageset

import (
	"errors"
	"fmt"
	"path/filepath"

	"upi/data/table"
)

// An ImageWriter writes a directory of images, as [Open] reads it.
type ImageWriter struct {
	pixels *Writer
	rows   *table.Writer[Image]
}

// NewImageWriter creates the files of a directory of images. The caller aborts or closes it.
func NewImageWriter(dir string) (*ImageWriter, error) {
	pixels, err := Create(filepath.Join(dir, PixelsFile))
	if err != nil {
		return nil, err
	}
	rows, err := table.Create[Image](filepath.Join(dir, ImagesFile), table.Options{})
	if err != nil {
		return nil, errors.Join(err, pixels.Close())
	}
	return &ImageWriter{pixels, rows}, nil
}

// Write adds an image and its pixels, height x width x channels.
func (w *ImageWriter) Write(image Image, pixels []byte) error {
	if _, err := w.pixels.Write(pixels); err != nil {
		return fmt.Errorf("write pixels: %w", err)
	}
	return w.rows.Write(image)
}

// Close ends the files.
func (w *ImageWriter) Close() error { return errors.Join(w.rows.Close(), w.pixels.Close()) }

// Abort gives up what is not closed yet.
func (w *ImageWriter) Abort() {
	w.rows.Abort()
	w.pixels.Close()
}
