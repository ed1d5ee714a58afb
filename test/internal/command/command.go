// Package command is what the end-to-end tests share: the built command, and its process seen from outside.
package command

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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

// Await waits until a process of the command answers SIGINT and SIGTERM: its libraries have loaded, package os/signal has its thread,
// and the process has worked for a while since, as it asks for one signal after the other. It returns false once ended does.
func Await(pid int, ended func() bool) bool {
	since := -1
	for !ended() {
		worked := ticks(pid)
		switch {
		case since >= 0 && worked >= since+2:
			return true
		case since < 0 && waits(pid):
			since = worked
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// waits reports whether a process has the thread of os/signal: it is the one that blocks all other signals (SIGUSR1 stands for them).
func waits(pid int) bool {
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

// ticks is the processor's time that a process has taken, in hundredths of a second.
func ticks(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name, in brackets, may hold spaces; user and system time are the 12th and 13th field after it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}
