package imports

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Bounds on what an archive may grow to. ImageNet's training set is about half of the largest size; pictures hardly shrink in an
// archive, so one that grows by far more is no set of pictures.
const (
	maxUnpacked = 300 << 30
	freeGrowth  = 1 << 30 // that any archive may grow to
	maxGrowth   = 100     // times its size, above that
	maxEntries  = 1 << 24
)

// archiveKinds tells archives by their first bytes (tar: by those at 257).
var archiveKinds = []struct {
	magic  string
	at     int
	unpack func(u *unpacker, file *os.File) error
}{
	{"PK\x03\x04", 0, (*unpacker).zip},
	{"PK\x05\x06", 0, (*unpacker).zip}, // an empty one
	{"\x1f\x8b", 0, func(u *unpacker, file *os.File) error {
		r, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<16))
		if err != nil {
			return err
		}
		return u.tar(r)
	}},
	{"BZh", 0, func(u *unpacker, file *os.File) error {
		return u.tar(bzip2.NewReader(bufio.NewReaderSize(file, 1<<16)))
	}},
	{"ustar", 257, func(u *unpacker, file *os.File) error { return u.tar(bufio.NewReaderSize(file, 1<<16)) }},
}

var errNoArchive = errors.New("it is neither a folder nor a zip, tar, tar.gz or tar.bz2 archive; unpack it, and name the folder")

// isArchive looks at the first bytes of a file.
func isArchive(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return archiveKind(f) >= 0
}

func archiveKind(f *os.File) int {
	head := make([]byte, 512)
	n, _ := f.ReadAt(head, 0)
	for i, k := range archiveKinds {
		if n >= k.at && bytes.HasPrefix(head[k.at:n], []byte(k.magic)) {
			return i
		}
	}
	return -1
}

// unpacker writes the files of an archive below a folder, and nowhere else.
type unpacker struct {
	job     *job
	root    *os.Root
	left    int64 // bytes that may still be written
	entries int
}

// unpack writes the plain files of an archive below dir. A path that leads out of dir is an error, as is an archive that grows out of
// all proportion; links are noted as left out.
func (j *job) unpack(archive, dir string) error {
	info, err := os.Stat(archive)
	if err != nil {
		return err
	}
	return j.unpackWithin(archive, dir, min(maxUnpacked, max(freeGrowth, maxGrowth*info.Size())))
}

// unpackWithin is unpack for so many bytes at most.
func (j *job) unpackWithin(archive, dir string, most int64) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	kind := archiveKind(file)
	if kind < 0 {
		return errNoArchive
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// A Root refuses links and paths that lead out of it.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{job: j, root: root, left: most}
	return archiveKinds[kind].unpack(u, file)
}

func (u *unpacker) tar(packed io.Reader) error {
	for r := tar.NewReader(packed); ; {
		head, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch head.Typeflag {
		case tar.TypeReg:
			if err := u.file(head.Name, r); err != nil {
				return err
			}
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			u.job.skip(filepath.Join(u.root.Name(), filepath.FromSlash(head.Name)), Link, 1)
		}
	}
}

func (u *unpacker) zip(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	r, err := zip.NewReader(file, info.Size())
	if err != nil {
		return err
	}
	for _, f := range r.File {
		name := f.Name
		if !strings.Contains(name, "/") {
			name = strings.ReplaceAll(name, `\`, "/") // as some programs on Windows write it
		}
		switch mode := f.Mode(); {
		case mode.IsDir() || strings.HasSuffix(name, "/"):
			continue
		case !mode.IsRegular():
			u.job.skip(filepath.Join(u.root.Name(), filepath.FromSlash(name)), Link, 1)
			continue
		case f.Flags&1 != 0:
			return fmt.Errorf("%s in it is encrypted; unpack it with its password, and name the folder", f.Name)
		}
		if err := u.entry(name, f); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) entry(name string, f *zip.File) error {
	packed, err := f.Open()
	if err != nil {
		return fmt.Errorf("%s in it: %w", f.Name, err)
	}
	defer packed.Close()
	return u.file(name, packed)
}

// file writes one file; what its head says of its size is not believed.
func (u *unpacker) file(name string, packed io.Reader) error {
	if err := u.job.ctx.Err(); err != nil {
		return err
	}
	if u.entries++; u.entries > maxEntries {
		return fmt.Errorf("it holds more than %d files", maxEntries)
	}
	name = filepath.Clean(filepath.FromSlash(name))
	if !filepath.IsLocal(name) {
		return fmt.Errorf("it holds a file %q, which would lie outside of the folder it is unpacked to", name)
	}
	if err := u.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	out, err := u.root.Create(name)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(packed, u.left+1))
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("%s in it: %w", name, err)
	}
	if u.left -= n; u.left < 0 {
		return fmt.Errorf("it grows to more than %d times its size, or to more than %d bytes; unpack it if that is right, and name the folder",
			maxGrowth, int64(maxUnpacked))
	}
	return nil
}
