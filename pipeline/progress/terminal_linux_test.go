package progress

import (
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what is written to tty can be read from screen.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { screen.Close() })
	n, err := unix.IoctlGetUint32(int(screen.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120})
	}
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	return screen, tty
}

func TestBarsOnATerminal(t *testing.T) {
	screen, tty := terminal(t)
	text := make(chan string)
	go func() {
		all, _ := io.ReadAll(screen) // ends in EIO when the terminal is closed
		text <- string(all)
	}()
	r, log := New(tty, "mnist", Text)
	if _, ok := r.(*Bars); !ok {
		t.Fatalf("got a %T for a terminal", r)
	}
	play(r)
	log.Info("after the end")
	tty.Close()
	got := <-text
	for _, want := range []string{"fit b failed: shard is broken", "5/5, 1 cached, 1 failed", "100 %", "msg=\"after the end\" run=mnist"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not on the screen: %q", want, got)
		}
	}
}
