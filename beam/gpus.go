package beam

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"upi/pipeline/lock"
)

// visibleGPUs is the variable by which CUDA is told which GPUs a process may use.
const visibleGPUs = "CUDA_VISIBLE_DEVICES"

// GPUs are those that this process has taken: no other worker on the machine has them.
type GPUs struct {
	names []string
	locks []*lock.Lock
}

// Names lists them as CUDA_VISIBLE_DEVICES does.
func (g *GPUs) Names() string { return strings.Join(g.names, ",") }

// Release gives them back; so does the end of the process.
func (g *GPUs) Release() {
	for _, l := range g.locks {
		l.Release()
	}
}

// TakeGPUs takes n of the machine's GPUs, or of those that CUDA_VISIBLE_DEVICES allows.
func TakeGPUs(n int) (*GPUs, error) { return takeGPUs(n, presentGPUs("/dev"), os.TempDir()) }

// takeGPUs holds a lock for each GPU in a folder of this machine's own, where locks work.
func takeGPUs(n int, present []string, folder string) (*GPUs, error) {
	g := &GPUs{}
	for _, name := range present {
		if len(g.names) == n {
			break
		}
		l, err := lock.Try(filepath.Join(folder, "upi-gpu-"+strings.ReplaceAll(name, "/", "_")))
		var held *lock.HeldError
		if errors.As(err, &held) {
			continue
		}
		if err != nil {
			g.Release()
			return nil, fmt.Errorf("take a GPU: %w", err)
		}
		g.names, g.locks = append(g.names, name), append(g.locks, l)
	}
	if len(g.names) < n {
		g.Release()
		return nil, fmt.Errorf("the worker is to have %d GPUs; of this machine's %d (%s) %d are free: give each worker's slot as many as it takes",
			n, len(present), strings.Join(present, ", "), len(g.names))
	}
	return g, nil
}

// presentGPUs names the GPUs that a process here may use: by CUDA_VISIBLE_DEVICES, or by their device files.
func presentGPUs(dev string) []string {
	if visible, set := os.LookupEnv(visibleGPUs); set {
		return slices.DeleteFunc(strings.Split(visible, ","), func(name string) bool { return name == "" || name == "-1" })
	}
	paths, err := filepath.Glob(filepath.Join(dev, "nvidia[0-9]*"))
	if err != nil {
		return nil
	}
	var names []string
	for _, path := range paths {
		number := strings.TrimPrefix(filepath.Base(path), "nvidia")
		if _, err := strconv.Atoi(number); err == nil {
			names = append(names, number)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return len(a) - len(b) })
	return names
}
