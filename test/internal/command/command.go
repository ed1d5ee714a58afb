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

// Environment is the test's own, and has what the command otherwise starts itself anew for.
func Environment() []string { return append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=2") }

// Answers reports whether a process of the command answers SIGINT and SIGTERM: its libraries have loaded and package os/signal has its
// thread, which is the one that blocks all other signals (SIGUSR1 stands for them).
func Answers(pid int) bool {
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		_, after, _ := strings.Cut(string(text), "SigBlk:")
		var blocked uint64
		if _, err := fmt.Sscanf(after, "%x", &blocked); err != nil {
			continue
		}
		blocks := func(s syscall.Signal) bool { return blocked&(1<<(s-1)) != 0 }
		if blocks(syscall.SIGUSR1) && !blocks(syscall.SIGINT) && !blocks(syscall.SIGTERM) {
			return true
		}
	}
	return false
}
