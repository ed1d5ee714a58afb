// Package command is what the end-to-end tests share: the built command, and its process seen from outside.
package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Main builds the command, says to path where it is, runs the tests and removes it again. It returns the tests' exit code.
func Main(m *testing.M, path *string) int {
	dir, err := os.MkdirTemp("", "upi-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	*path = filepath.Join(dir, "upi")
	build := exec.Command("go", "build", "-o", *path, "upi/cmd/upi")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the command: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Look reads the repository's folders, nothing more: go test keeps a result until a file changes that the test itself has looked
// at, and knows nothing of what the command and Python read.
func Look(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name()[0] == '.' || e.Name() == "runs" || e.Name() == "bin" {
			continue
		}
		if err := Look(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Takes reports whether a process has a handler for a signal: the dynamic loader has made way for the program.
func Takes(pid int, s syscall.Signal) (bool, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false, err
	}
	_, after, _ := strings.Cut(string(text), "SigCgt:")
	var caught uint64
	if _, err := fmt.Sscanf(after, "%x", &caught); err != nil {
		return false, err
	}
	return caught&(1<<(s-1)) != 0, nil
}
