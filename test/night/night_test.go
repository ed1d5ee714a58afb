// Package night holds a night of trouble against a quiet one: kills, signals, full and read-only disks, bad shards, second runs and
// garbage collection, at random moments. The results are the same to the byte.
package night

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/pipeline"
	"upi/test/internal/command"
)

// TestNight takes testdata/night.yaml, and every kind of trouble once. From the environment come another configuration
// (UPI_NIGHT_CONFIG), for how long new trouble is made (UPI_NIGHT_TIME, such as 15m), the seed of another night (UPI_NIGHT_SEED), and
// a directory in which the quiet run is kept for the next one (UPI_NIGHT_QUIET).
func TestNight(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	must(t, err)
	must(t, command.Look(root))
	config, flags := filepath.Join(root, "test", "night", "testdata", "night.yaml"), []string{"--workers", "2"}
	if path := os.Getenv("UPI_NIGHT_CONFIG"); path != "" {
		config, flags = filepath.Join(root, path), nil
		if filepath.IsAbs(path) {
			config = path
		}
	}
	var last time.Duration
	if text := os.Getenv("UPI_NIGHT_TIME"); text != "" {
		last, err = time.ParseDuration(text)
		must(t, err)
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("UPI_NIGHT_SEED"); text != "" {
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("%s, seed %d", config, seed)

	dir := os.Getenv("UPI_NIGHT_QUIET")
	if dir == "" {
		dir = t.TempDir()
	}
	quiet := newPlace(t, dir, config, root, flags)
	n := &night{place: quiet.copied, random: rand.New(rand.NewPCG(seed, 0)), struck: map[string]int{}}
	quiet.done(t)
	n.longest = min(quiet.took(t)/3, 20*time.Second)
	n.want = quiet.published(t)
	t.Logf("the tasks of a quiet run take %v", quiet.took(t).Round(time.Second))
	n.spend(t, last)
}

// A night is a row of attempts at one run.
type night struct {
	place func(*testing.T) *place
	at    *place
	want  map[string][]byte
	// longest is the time in which trouble comes.
	longest time.Duration
	random  *rand.Rand
	// struck counts the trouble that reached a run, by its name; late that which came after the run's end.
	struck map[string]int
	late   int
}

// spend deals out every kind of trouble, again and again for a time, and then lets the run come to its end.
func (n *night) spend(t *testing.T, last time.Duration) {
	t.Helper()
	n.at = n.place(t)
	deck := slices.Clone(troubles)
	if err := errors.Join(n.at.cache.mount(t), n.at.output.mount(t)); err != nil {
		deck = slices.DeleteFunc(deck, func(x trouble) bool { return x.mounts })
	}
	for start := time.Now(); ; {
		n.random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		for _, x := range deck {
			if n.attempt(t, x); t.Failed() {
				return
			}
		}
		if time.Since(start) >= last {
			break
		}
	}
	n.at.done(t)
	n.compare(t, "in the end")
	if v := n.at.start(t, "verify", n.at.dir()); v.wait() != pipeline.ExitDone {
		t.Errorf("verify: %v\n%s", v.cmd.ProcessState, v.stderr.Bytes())
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(n.struck)) {
		total += n.struck[name]
		t.Logf("%4d x %s", n.struck[name], name)
	}
	t.Logf("%4d in all, and %d that came too late", total, n.late)
	if total < len(deck)/4 { // a machine may be busy, and most trouble late
		t.Errorf("only %d cases of trouble: the test does not test", total)
	}
}

// attempt does one run in which there is trouble.
func (n *night) attempt(t *testing.T, x trouble) {
	t.Helper()
	what := ""
	if x.before != nil {
		what = x.before(t, n.at, n.random)
	}
	a := n.at.run(t)
	moment := n.moment()
	if x.early {
		moment = min(moment, time.Duration(n.random.IntN(3000))*time.Millisecond)
	}
	late := false
	if x.strike != nil {
		if late = a.within(t.Context(), moment); !late {
			what = x.strike(t, n.at, n.random, a)
		}
	}
	// What does not end by its trouble, or came through it, is interrupted: the night goes on.
	spared := !a.within(t.Context(), 3*time.Second+n.moment())
	if spared {
		send(syscall.SIGTERM)(t, n.at, n.random, a)
	}
	code := a.wait()
	if x.heal != nil {
		x.heal(t, n.at)
	}
	told := fmt.Sprintf("%s, %v into the run: %v", x.name, moment.Round(time.Millisecond), a.cmd.ProcessState)
	t.Log(told)
	if a.crashed() {
		t.Errorf("%s\n%s", told, a.stderr.Bytes())
	}
	switch {
	case code == pipeline.ExitDone:
		// It was too late, or did not matter: what was done is then right, and some of it is forgotten, so that there is work.
		if !x.hurts {
			n.compare(t, told)
		}
		n.forget(t)
	case spared && code == pipeline.ExitInterrupted:
	case late || code != x.code && !(x.hurts && code == pipeline.ExitUsage): // a shard that is gone before it is looked for
		t.Errorf("%s, want exit code %d\n%s", told, x.code, a.stderr.Bytes())
	case x.code != killed:
		said := a.stderr.String()
		for _, want := range x.says {
			if !strings.Contains(said, want) {
				t.Errorf("%s, and it does not say %q:\n%s", told, want, said)
			}
		}
		// Without its only file a pattern names none.
		if what != "" && !strings.Contains(said, filepath.Base(what)) && !strings.Contains(said, "find shards") {
			t.Errorf("%s, and it does not name %s:\n%s", told, what, said)
		}
	}
	if late || code != x.code && x.code != pipeline.ExitDone {
		n.late++
	} else {
		n.struck[x.name]++
	}
	// Whatever has happened, nothing that can be read is half written.
	if _, err := pipeline.ReadManifest(n.at.dir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", told, err)
	}
}

// moment is a random time.
func (n *night) moment() time.Duration {
	return time.Duration(n.random.Float64() * float64(n.longest))
}

// forget takes some of what the runs before have done from the cache.
func (n *night) forget(t *testing.T) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(n.at.cache.dir, "*", "??"))
	must(t, err)
	for _, path := range paths {
		if n.random.IntN(2) == 0 {
			must(t, os.RemoveAll(path))
		}
	}
}

// compare holds what stands in the run's directory to what a quiet run has left.
func (n *night) compare(t *testing.T, when string) {
	t.Helper()
	got := n.at.published(t)
	if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(n.want)); !slices.Equal(a, b) {
		t.Errorf("%s: the files are %q, want %q", when, a, b)
	}
	for name, want := range n.want {
		if !bytes.Equal(got[name], want) {
			t.Errorf("%s: %s is not that of a quiet run", when, name)
		}
	}
}
