package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// childVariable makes the test binary a run of its own: a process that can be
// killed, lose its rights or run out of disk.
const childVariable = "UPI_PIPELINE_TEST_CHILD"

// child is the run that such a process does.
type child struct {
	Output, Name, Cache, Texts string
	Pause, Workers             int
	// User, if not 0, is what the process becomes.
	User int
	// Disk, if not 0, is the size of a disk that is mounted on Cache.
	Disk int
	// FileSize, if not 0, is the most that a file may hold.
	FileSize uint64
}

func TestMain(m *testing.M) {
	text, ok := os.LookupEnv(childVariable)
	if !ok {
		os.Exit(m.Run())
	}
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(ExitCode(err))
}

func (c child) run() error {
	if err := c.confine(); err != nil {
		return fmt.Errorf("confine: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run, err := OpenRun(c.Output, c.Name)
	if err != nil {
		return err
	}
	defer run.Close()
	store, err := cache.Open(c.Cache)
	if err != nil {
		return err
	}
	plan, err := c.plan(store)
	if err != nil {
		return err
	}
	fmt.Println("started")
	_, err = run.Execute(ctx, store, plan, &Local{Store: store, Workers: c.Workers},
		Description{Config: []byte("name: words\n"), Settings: c}, progress.Silent{})
	return err
}

func (c child) confine() error {
	if c.Disk > 0 {
		if err := unix.Mount("tmpfs", c.Cache, "tmpfs", 0, fmt.Sprintf("size=%d", c.Disk)); err != nil {
			return err
		}
	}
	if c.FileSize > 0 {
		signal.Ignore(unix.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: c.FileSize, Max: c.FileSize}); err != nil {
			return err
		}
	}
	if c.User > 0 {
		if err := syscall.Setgid(c.User); err != nil {
			return err
		}
		return syscall.Setuid(c.User)
	}
	return nil
}

func (c child) plan(store *cache.Store) (*Plan, error) {
	texts, err := filepath.Glob(filepath.Join(c.Texts, "*.txt"))
	if err != nil {
		return nil, err
	}
	return planWords(store, texts, countSpec{Pause: c.Pause}, false)
}

// command is the process, ready to start.
func (c child) command(t testing.TB) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	return cmd
}

// sandbox makes directories for children and a corpus of n texts.
func sandbox(t testing.TB, n int) child {
	t.Helper()
	dir := t.TempDir()
	c := child{Output: filepath.Join(dir, "runs"), Name: "words", Cache: filepath.Join(dir, "cache"),
		Texts: filepath.Join(dir, "texts"), Workers: 2}
	for _, d := range []string{c.Output, c.Cache, c.Texts} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	corpus(t, c.Texts, n)
	return c
}

// table is the published result of a child's run.
func (c child) table(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Output, c.Name, "tables", "top.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
