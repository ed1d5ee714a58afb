package imports

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/data/picture"
)

// pictureNames are the endings of pictures. Those of a format that is not read are among them: such a picture is bad, not passed over.
var pictureNames = []string{
	".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff",
	".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico",
}

// hiddenNames are what systems leave in folders, in lower case; every name that begins with a dot is hidden too.
var hiddenNames = []string{"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information", "icon\r"}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains(hiddenNames, strings.ToLower(name))
}

// maxDepth bounds folders within folders.
const maxDepth = 64

// listing is what a folder holds.
type listing struct {
	folders, pictures, others []string // names, sorted
}

// list sorts the entries of a folder. What is hidden or leads nowhere is noted as left out, if note is set.
func (j *job) list(dir string, note bool) (listing, error) {
	var l listing
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, fmt.Errorf("list folder: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // follows links
		switch {
		case hidden(e.Name()):
			if note {
				j.skip(path, Hidden, countFiles(path))
			}
		case err != nil:
			if note {
				j.skip(path, Link, 1)
			}
		case info.IsDir():
			l.folders = append(l.folders, e.Name())
		case !info.Mode().IsRegular():
			l.others = append(l.others, e.Name())
		case slices.Contains(pictureNames, strings.ToLower(filepath.Ext(e.Name()))) || beginsAsPicture(path):
			l.pictures = append(l.pictures, e.Name())
		default:
			l.others = append(l.others, e.Name())
		}
	}
	return l, nil
}

// beginsAsPicture looks at the first bytes; a file that cannot be read is none.
func beginsAsPicture(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head)
	return picture.Is(head[:n])
}

// countFiles is the number of files below a path, 1 for a file.
func countFiles(path string) int {
	n := 0
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return nil // what cannot be listed is not counted
	})
	return n
}

// pictures are the picture files at any depth below a folder, sorted by path. All else is noted as left out, and so is a link that
// leads back to a folder that it lies in.
func (j *job) pictures(dir string, within ...os.FileInfo) ([]string, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	if slices.ContainsFunc(within, func(outer os.FileInfo) bool { return os.SameFile(outer, info) }) {
		j.skip(dir, Link, 1)
		return nil, nil
	}
	if len(within) > maxDepth {
		return nil, fmt.Errorf("list folder: %s is more than %d folders deep", j.shown(dir), maxDepth)
	}
	if err := j.ctx.Err(); err != nil {
		return nil, err
	}
	l, err := j.list(dir, true)
	if err != nil {
		return nil, err
	}
	for _, name := range l.others {
		j.skip(filepath.Join(dir, name), NoPicture, 1)
	}
	var paths []string
	for _, name := range l.pictures {
		paths = append(paths, filepath.Join(dir, name))
	}
	for _, name := range l.folders {
		below, err := j.pictures(filepath.Join(dir, name), append(slices.Clone(within), info)...)
		if err != nil {
			return nil, err
		}
		paths = append(paths, below...)
	}
	slices.Sort(paths)
	return paths, nil
}

// pass notes what lies in a folder beside what is read of it: pictures that belong to no class, and other files.
func (j *job) pass(dir string, l listing) {
	for _, name := range l.pictures {
		j.skip(filepath.Join(dir, name), Classless, 1)
	}
	for _, name := range l.others {
		j.skip(filepath.Join(dir, name), NoPicture, 1)
	}
}
