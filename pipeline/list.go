package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"upi/pipeline/config"
	"upi/pipeline/lock"
	"upi/pipeline/manifest"
)

// RunRunning is the state of a run that goes on; the others are those in which runs end.
const RunRunning RunStatus = "running"

// Listed is what a list of runs says of one.
type Listed struct {
	// Name is the path of the run's directory below the one that was listed.
	Name string `json:"name"`
	// Config is the hash of the configuration, see [config.Hash]; empty where it cannot be read.
	Config string `json:"config"`
	// Date is when the last run ended; of one that goes on, when it began.
	Date time.Time `json:"date"`
	// State is how the last run ended. A run that was killed counts as interrupted.
	State RunStatus `json:"state"`
	// Results is when the results were made that are there; zero where there are none.
	Results time.Time `json:"results,omitzero"`
	// Expected is the number of conditions that the configuration expects of the results, and Unmet how many do not hold.
	Expected int `json:"expected,omitempty"`
	Unmet    int `json:"unmet,omitempty"`
	// Error is why the last run came to nothing.
	Error string `json:"error,omitempty"`
}

// Runs returns the directories of the runs in dir: dir itself if it is one, else those directly below it and those of the sweeps
// there, in the order of their names. The error wraps fs.ErrNotExist if dir is not there.
func Runs(dir string) ([]string, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return runsIn(dir, 2)
}

func runsIn(dir string, depth int) ([]string, error) {
	if isRun(dir) {
		return []string{dir}, nil
	}
	if depth == 0 {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	var all []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		}
		below, err := runsIn(path, depth-1)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

func isRun(dir string) bool {
	// The lock is that of a run that has not come to an end yet, or was killed.
	return slices.ContainsFunc([]string{manifestFile, attemptFile, lockFile}, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}

// List says how each run in dir stands.
func List(dir string) ([]Listed, error) {
	dirs, err := Runs(dir)
	if err != nil {
		return nil, err
	}
	var all []Listed
	for _, run := range dirs {
		name, err := filepath.Rel(dir, run)
		if err != nil {
			return nil, err
		}
		if name == "." {
			name = filepath.Base(filepath.Clean(dir))
		}
		l, err := look(run)
		if err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		l.Name = name
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// look finds out how the run in a directory stands. A manifest that cannot be read is said in Error.
func look(dir string) (Listed, error) {
	l := Listed{State: RunInterrupted}
	if info, err := os.Stat(dir); err == nil {
		l.Date = info.ModTime()
	}
	if text, err := os.ReadFile(filepath.Join(dir, configFile)); err == nil {
		if settings, err := config.SettingsOf(text); err == nil {
			l.Config, _ = config.Hash(settings)
		}
	}
	for _, name := range []string{manifestFile, attemptFile} {
		m, err := manifest.ReadHead(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.Error = err.Error()
			continue
		}
		if l.Config, err = config.Hash(m.Config); err != nil {
			return l, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
		l.State, l.Date, l.Error = m.Status, m.Finished, m.Error
		if name == manifestFile {
			l.Results, l.Expected = m.Finished, len(m.Expectations)
			for _, e := range m.Expectations {
				if !e.Holds {
					l.Unmet++
				}
			}
		}
	}
	path := filepath.Join(dir, lockFile)
	if holder, held := lock.Held(path); held {
		l.State, l.Date, l.Error = RunRunning, holder.Since, ""
	} else if info, err := os.Stat(path); err == nil {
		// Whoever ends in order removes the file.
		l.State, l.Date, l.Error = RunInterrupted, info.ModTime(), ""
	}
	return l, nil
}
