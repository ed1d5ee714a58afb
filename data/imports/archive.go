package imports

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxUnpacked bounds what an archive may grow to; ImageNet's training set is about half of it.
const maxUnpacked = 300 << 30

// unpack writes the plain files of a gzipped tar archive below dir. A path that leads out of dir is an error, whatever is
// neither file nor folder is passed over.
func unpack(ctx context.Context, archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	zip, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<16))
	if err != nil {
		return err
	}
	// A Root refuses links and paths that lead out of it.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxUnpacked)
	for r := tar.NewReader(zip); ; {
		head, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if head.Typeflag != tar.TypeReg {
			continue
		}
		if left -= head.Size; left < 0 {
			return fmt.Errorf("its files are larger than %d bytes together", int64(maxUnpacked))
		}
		if err := unpackFile(root, head.Name, r); err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, r io.Reader) error {
	name = filepath.Clean(filepath.FromSlash(name))
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	out, err := root.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, r); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
