package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"upi/data"
	"upi/pipeline"
	"upi/pipeline/lock"
	"upi/savedmodels/runtime"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"upi": main})
}

// TestCommands runs the scripts of testdata, each in a folder of its own that sees the repository's data and models, and
// small.yaml: a run of a second.
func TestCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"data", "savedmodels"} {
				if err := os.Symlink(filepath.Join(root, name), filepath.Join(e.WorkDir, name)); err != nil {
					return err
				}
			}
			small, err := os.ReadFile("testdata/small.yaml")
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "small.yaml"), small, 0o666)
		},
		Condition: func(name string) (bool, error) {
			if name != "bfloat16" {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			_, err := runtime.Bfloat16Units(runtime.Device{})
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "cut": cut, "damage": damage, "shard": shard, "idx": idx, "hold": hold, "interrupt": interrupt, "inherits": inherits,
		},
	})
}

// exits CODE PROGRAM ARGS...: the program ends by itself with that exit code, and without a panic.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode() // -1 after a signal
	} else {
		ts.Check(err)
	}
	if stderr := ts.ReadFile("stderr"); strings.Contains(stderr, "goroutine ") {
		ts.Fatalf("a panic shows")
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cut FROM TO BYTES: copies the first bytes of a file.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	content := ts.ReadFile(args[0])
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(content[:n]), 0o666))
}

// damage FILE: turns round the bits of a byte in the middle of a file, or of the one file that a pattern names.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(paths) != 1 {
		ts.Fatalf("%s names %d files", args[0], len(paths))
	}
	content, err := os.ReadFile(paths[0])
	ts.Check(err)
	content[len(content)/2] ^= 0xff
	ts.Check(os.Chmod(paths[0], 0o644))
	ts.Check(os.WriteFile(paths[0], content, 0o644))
}

// shard FILE SIDE LABELS...: writes black images of SIDE x SIDE x 1 with these labels.
func shard(ts *testscript.TestScript, _ bool, args []string) {
	side, err := strconv.Atoi(args[1])
	ts.Check(err)
	w, err := data.Create(ts.MkAbs(args[0]), data.Schema{Shape: [3]int{side, side, 1}})
	ts.Check(err)
	defer w.Abort()
	for i, text := range args[2:] {
		label, err := strconv.ParseInt(text, 10, 64)
		ts.Check(err)
		ts.Check(w.Write(data.Image{ID: int64(i), Label: label, Pixels: make([]byte, side*side)}))
	}
	ts.Check(w.Close())
}

// idx DIR IMAGES: writes the test set of MNIST's format, 4 x 4 pixels.
func idx(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	head := func(sizes ...uint32) []byte {
		b := []byte{0, 0, 8, byte(len(sizes))}
		for _, size := range sizes {
			b = binary.BigEndian.AppendUint32(b, size)
		}
		return b
	}
	images, labels := head(uint32(n), 4, 4), head(uint32(n))
	for i := range n {
		images, labels = append(images, bytes.Repeat([]byte{byte(i)}, 16)...), append(labels, byte(i%10))
	}
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o777))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "t10k-images-idx3-ubyte"), images, 0o666))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "t10k-labels-idx1-ubyte"), labels, 0o666))
}

// inherits RUN FILE: the hash that upi inspect has just printed of a file is the one that the run's manifest has.
func inherits(ts *testscript.TestScript, _ bool, args []string) {
	_, after, _ := strings.Cut(ts.ReadFile("stdout"), "hash ")
	printed, _, _ := strings.Cut(after, "\n")
	m, err := pipeline.ReadManifest(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, in := range m.Inputs {
		if strings.HasSuffix(in.Path, args[1]) {
			if in.SHA256 != printed {
				ts.Fatalf("inspect prints %q, the manifest has %q", printed, in.SHA256)
			}
			return
		}
	}
	ts.Fatalf("the manifest has no input %s", args[1])
}

// hold DIR: holds the lock of a run's directory to the end of the script.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o777))
	l, err := lock.Try(filepath.Join(ts.MkAbs(args[0]), "lock"))
	ts.Check(err)
	ts.Defer(func() { l.Release() })
}

// interrupt PATTERN PROGRAM ARGS...: sends SIGINT as soon as there is a file of that name, and expects 130.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	path := filepath.Join(strings.SplitN(ts.Getenv("PATH"), string(os.PathListSeparator), 2)[0], args[1])
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for signalled := false; ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(ts.MkAbs(args[0])); len(found) > 0 && !signalled {
			ts.Check(cmd.Process.Signal(os.Interrupt))
			signalled = true
		}
		select {
		case err := <-ended:
			ts.Logf("%s", stderr.String())
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 130 {
				ts.Fatalf("interrupted: %v, want exit code 130", err)
			}
			return
		default:
		}
	}
}
