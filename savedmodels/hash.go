package savedmodels

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"upi/savedmodels/graphdef"
)

// HashDir is the SHA-256, in hex, of what makes a SavedModel what it is: names and content of saved_model.pb and of the files
// under variables and assets. It opens nothing else and does not look into the files.
func HashDir(dir string) (string, error) {
	all := sha256.New()
	root := os.DirFS(dir)
	for _, part := range []string{graphdef.FileName, "variables", "assets"} {
		err := fs.WalkDir(root, part, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				if os.IsNotExist(err) && name == part && part != graphdef.FileName {
					return fs.SkipDir
				}
				return err
			}
			if entry.IsDir() {
				return nil
			}
			sum, err := hashFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(all, "%q %x\n", path.Clean(name), sum)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("hash SavedModel %s: %w", dir, err)
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

func hashFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}
