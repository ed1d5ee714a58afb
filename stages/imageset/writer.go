package imageset

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

// A Writer writes a file of records.
type Writer struct {
	*bufio.Writer
	file *os.File
}

// Create creates a file of records.
func Create(path string) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create records: %w", err)
	}
	return &Writer{bufio.NewWriterSize(f, 1<<20), f}, nil
}

// Close writes what is buffered. Closing again does nothing.
func (w *Writer) Close() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.Flush(), w.file.Close())
	w.file = nil
	return err
}
