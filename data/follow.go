package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"upi/data/picture"
)

// FollowBeside, in Columns.FollowPaths, follows paths below the folder of the file that tells them.
const FollowBeside = "."

// paths is the column that tells where pictures lie that are not in the file. It is read only where it is needed.
type paths struct {
	open   func() (texts, error)
	folder string // "" follows none
	next   texts
	row    int64 // of next
}

func newPaths(file string, open func() (texts, error), follow string) *paths {
	if follow == FollowBeside {
		follow = filepath.Dir(file)
	}
	return &paths{open: open, folder: follow}
}

// at is the path in a row; rows are asked for in order.
func (p *paths) at(row int64) (path string, err error) {
	if p.next == nil {
		if p.next, err = p.open(); err != nil {
			return "", err
		}
	}
	for ; p.row <= row; p.row++ {
		v, _, err := p.next()
		if err != nil {
			return "", err
		}
		path = string(v)
	}
	return path, nil
}

// read reads the picture of a row.
func (p *paths) read(row int64) ([]byte, error) {
	path, err := p.at(row)
	if err != nil {
		return nil, err
	}
	switch {
	case path == "":
		return nil, errors.New("the image is NULL; drop the row or embed the picture")
	case p.folder == "":
		return nil, fmt.Errorf("the picture is not in the file, only its path %q is (as to_parquet of an image folder writes it); "+
			"import the set with --follow-paths, which reads it from there, or embed the pictures", path)
	case strings.Contains(path, "://"):
		return nil, fmt.Errorf("the picture is not in the file, and its path %q is an address, which is not followed; embed the pictures", path)
	}
	return ReadBelow(p.folder, path)
}

// ReadBelow reads the picture file at path, which is relative to folder or leads into it. Whatever lies outside of folder, by its name
// or by a link, is an error, as is what is larger than a picture may be.
func ReadBelow(folder, path string) ([]byte, error) {
	relative, err := below(folder, path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("follow path: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(relative)
	if err != nil {
		return nil, fmt.Errorf("follow path %q below %s: %w", path, folder, err)
	}
	if !info.Mode().IsRegular() || info.Size() > picture.MaxEncoded {
		return nil, fmt.Errorf("follow path %q below %s: it is no file of at most %d bytes", path, folder, picture.MaxEncoded)
	}
	f, err := root.Open(relative)
	if err != nil {
		return nil, fmt.Errorf("follow path %q below %s: %w", path, folder, err)
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, picture.MaxEncoded+1))
	if err != nil {
		return nil, fmt.Errorf("follow path %q below %s: %w", path, folder, err)
	}
	return encoded, nil
}

// below is path relative to folder.
func below(folder, path string) (string, error) {
	relative := filepath.FromSlash(path)
	if filepath.IsAbs(relative) {
		absolute, err := filepath.Abs(folder)
		if err != nil {
			return "", fmt.Errorf("follow path: %w", err)
		}
		if relative, err = filepath.Rel(absolute, relative); err != nil {
			return "", fmt.Errorf("follow path: %w", err)
		}
	}
	if !filepath.IsLocal(relative) {
		return "", fmt.Errorf("path %q leads out of %s, and is not followed; name the folder of the pictures (--follow-paths=FOLDER)", path, folder)
	}
	return relative, nil
}
