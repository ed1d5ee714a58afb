package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"upi/pipeline"
)

// there returns an error, of exit code 2, for the first of these directories of runs that is none.
func there(dirs ...string) error {
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &usageError{fmt.Errorf("there is no directory %s; upi ls lists the runs", dir)}
		case err != nil:
			return pipeline.Named(err)
		case !info.IsDir():
			return &usageError{fmt.Errorf("%s is a file: name the directory of a run", dir)}
		}
	}
	return nil
}
