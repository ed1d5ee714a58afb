// Package content hashes input files and directories by what is in them, and
// remembers the hash of a file that has not been touched since.
package content

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"

	"golang.org/x/sys/unix"

	"upi/pipeline/atomicfile"
)

// Sum identifies the content of a file or of a directory with all below it.
type Sum struct {
	// Hash is the SHA-256 in hexadecimal. A directory's is that of the names
	// and hashes of its files; where it lies does not matter.
	Hash string
	// Stamp changes when a file is written or replaced; an equal stamp means
	// that there is no need to hash anew.
	Stamp string
	// Size is the number of bytes.
	Size int64
}

// Hasher hashes files, keeping hashes in a directory of its own.
type Hasher struct {
	dir string
}

// NewHasher returns a Hasher that keeps hashes in dir, or nowhere if dir is "".
func NewHasher(dir string) *Hasher { return &Hasher{dir: dir} }

// Sum returns the sum of the file or directory at path.
func (h *Hasher) Sum(path string) (Sum, error) {
	files, err := list(path)
	if err != nil {
		return Sum{}, err
	}
	sum := Sum{Stamp: stampOf(files)}
	all := sha256.New()
	for _, f := range files {
		hash, err := h.file(f)
		if err != nil {
			return Sum{}, err
		}
		sum.Size += f.size
		if f.name == "" {
			sum.Hash = hash
			return sum, nil
		}
		fmt.Fprintf(all, "%q %s\n", filepath.ToSlash(f.name), hash)
	}
	sum.Hash = hex.EncodeToString(all.Sum(nil))
	return sum, nil
}

// Stamp returns the stamp of the file or directory at path.
func Stamp(path string) (string, error) {
	files, err := list(path)
	if err != nil {
		return "", err
	}
	return stampOf(files), nil
}

// file is a regular file and what the file system says of it.
type file struct {
	path, name   string
	size         int64
	mtime, ctime int64
	inode        uint64
}

func (f file) stamp() string {
	return fmt.Sprintf("%d-%d-%d-%d", f.size, f.mtime, f.ctime, f.inode)
}

func (f file) abs() string {
	abs, err := filepath.Abs(f.path)
	if err != nil {
		return f.path
	}
	return abs
}

func stampOf(files []file) string {
	if len(files) == 1 && files[0].name == "" {
		return files[0].stamp()
	}
	all := sha256.New()
	for _, f := range files {
		fmt.Fprintf(all, "%q %s\n", f.name, f.stamp())
	}
	return hex.EncodeToString(all.Sum(nil)[:16])
}

// list returns the regular files at or below root in order of their names.
func list(root string) ([]file, error) {
	const deepest = 32
	var files []file
	var visit func(path, name string, depth int) error
	visit = func(path, name string, depth int) error {
		f, mode, err := stat(path)
		if err != nil {
			return err
		}
		f.name = name
		switch {
		case mode == unix.S_IFREG:
			files = append(files, f)
			return nil
		case mode != unix.S_IFDIR:
			return fmt.Errorf("%s is neither a file nor a directory", path)
		case depth == deepest:
			return fmt.Errorf("%s: directories nest deeper than %d", root, deepest)
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return fmt.Errorf("list input: %w", err)
		}
		for _, e := range entries {
			if err := visit(filepath.Join(path, e.Name()), filepath.Join(name, e.Name()), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(root, "", 0); err != nil {
		return nil, err
	}
	sort.Slice(files, func(i, j int) bool { return files[i].name < files[j].name })
	return files, nil
}

func stat(path string) (file, uint32, error) {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return file{}, 0, fmt.Errorf("look at input: %w", &os.PathError{Op: "stat", Path: path, Err: err})
	}
	return file{path: path, size: s.Size, mtime: s.Mtim.Nano(), ctime: s.Ctim.Nano(), inode: s.Ino},
		uint32(s.Mode) & unix.S_IFMT, nil
}

// stored is the remembered hash of one file.
type stored struct {
	Path  string `json:"path"`
	Stamp string `json:"stamp"`
	Hash  string `json:"hash"`
}

func (h *Hasher) file(f file) (string, error) {
	memo, err := h.memo(f.path)
	if err != nil {
		return "", err
	}
	if hash := recall(memo, f.stamp()); hash != "" {
		return hash, nil
	}
	hash, err := hashFile(f.path)
	if err != nil {
		return "", err
	}
	after, _, err := stat(f.path)
	if err != nil {
		return "", err
	}
	if after.stamp() != f.stamp() {
		return "", fmt.Errorf("%s changed while it was read", f.path)
	}
	// A file written an instant ago may be written again without a new time
	// stamp: it is hashed anew the next time. See git's racy-git.txt.
	const settled = 2 * time.Second
	if memo != "" && time.Since(time.Unix(0, max(f.mtime, f.ctime))) > settled {
		remember(memo, stored{Path: f.abs(), Stamp: f.stamp(), Hash: hash})
	}
	return hash, nil
}

func (h *Hasher) memo(path string) (string, error) {
	if h.dir == "" {
		return "", nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("locate input: %w", err)
	}
	name := sha256.Sum256([]byte(abs))
	return filepath.Join(h.dir, hex.EncodeToString(name[:16])+".json"), nil
}

func recall(memo, stamp string) string {
	text, err := os.ReadFile(memo)
	var s stored
	if err != nil || json.NewDecoder(bytes.NewReader(text)).Decode(&s) != nil || s.Stamp != stamp || len(s.Hash) != 2*sha256.Size {
		return ""
	}
	return s.Hash
}

// remember stores a hash; where that fails the file is merely hashed again.
func remember(memo string, s stored) {
	text, err := json.Marshal(s)
	if err == nil && os.MkdirAll(filepath.Dir(memo), 0o777) == nil {
		_ = atomicfile.WriteFile(memo, text)
	}
}

// Forget drops the stored hashes of files that are no more.
func (h *Hasher) Forget() error {
	paths, err := filepath.Glob(filepath.Join(h.dir, "*.json"))
	if err != nil {
		return fmt.Errorf("list stored hashes: %w", err)
	}
	for _, memo := range paths {
		text, err := os.ReadFile(memo)
		var s stored
		if err == nil && json.Unmarshal(text, &s) == nil {
			if _, err := os.Stat(s.Path); !errors.Is(err, os.ErrNotExist) {
				continue
			}
		}
		if err := os.Remove(memo); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("forget stored hash: %w", err)
		}
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read input: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read input %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Check returns an error unless the file or directory at path still holds what
// was summed. A new time stamp over the same bytes is no change.
func Check(path string, want Sum) error {
	stamp, err := Stamp(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("input %s has vanished since the plan was made", path)
	}
	if err != nil || stamp == want.Stamp {
		return err
	}
	now, err := NewHasher("").Sum(path)
	if err != nil {
		return err
	}
	if now.Hash != want.Hash {
		return fmt.Errorf("input %s has changed since the plan was made; start the run again", path)
	}
	return nil
}
