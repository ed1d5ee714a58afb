package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
)

// The stages of the tests count words: count reads one text file, merge adds up
// the counts of all files, top lists the most frequent words. Count goes through
// its file line by line with a checkpoint after each, as an iterative attack does.

type countSpec struct {
	Text      Input `json:"text"`
	MinLength int   `json:"min_length"`
	// Pause is the time per line in milliseconds, to give kills a chance.
	Pause int `json:"pause"`
}

type mergeSpec struct {
	// Counts or, if the run goes on without some of them, Some are the words of
	// the texts.
	Counts []Artefact `json:"counts"`
	Some   []Optional `json:"some"`
	Pause  int        `json:"pause"`
}

type topSpec struct {
	Merged Artefact `json:"merged"`
	Pause  int      `json:"pause"`
}

var countStage = NewStage("count", 1, countWords)
var mergeStage = NewStage("merge", 1, mergeWords)
var topStage = NewStage("top", 1, topWords)

type countState struct {
	Line  int            `json:"line"`
	Words map[string]int `json:"words"`
}

func countWords(ctx context.Context, job *Job, spec countSpec) error {
	text, err := os.ReadFile(spec.Text.Path())
	if err != nil {
		return err
	}
	dir, err := job.Checkpoint()
	if err != nil {
		return err
	}
	state := countState{Words: map[string]int{}}
	if saved, err := os.ReadFile(filepath.Join(dir, "state.json")); err == nil {
		if err := json.Unmarshal(saved, &state); err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
	}
	lines := strings.Split(string(text), "\n")
	for ; state.Line < len(lines); state.Line++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, word := range strings.Fields(lines[state.Line]) {
			if len(word) >= spec.MinLength {
				state.Words[word]++
			}
			if word == "POISON" {
				panic("poisoned text")
			}
			if word == "BROKEN" {
				return fmt.Errorf("line %d is broken", state.Line+1)
			}
		}
		if spec.Pause > 0 {
			time.Sleep(time.Duration(spec.Pause) * time.Millisecond)
			saved, err := json.Marshal(countState{state.Line + 1, state.Words})
			if err != nil {
				return err
			}
			if err := atomicfile.WriteFile(filepath.Join(dir, "state.json"), saved); err != nil {
				return err
			}
		}
		job.Progress(int64(state.Line+1), int64(len(lines)))
	}
	job.Count(CountImages, int64(len(lines)))
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			job.Warn("empty_line", 1, fmt.Sprintf("%s:%03d", filepath.Base(spec.Text.Path()), i+1))
		}
	}
	return writeJSON(filepath.Join(job.Out, "words.json"), state.Words)
}

func mergeWords(_ context.Context, job *Job, spec mergeSpec) error {
	pause(spec.Pause)
	counts := spec.Counts
	for _, o := range spec.Some {
		if a, there := o.Get(); there {
			counts = append(counts, a)
		}
	}
	total := map[string]int{}
	for _, a := range counts {
		text, err := os.ReadFile(filepath.Join(job.Dir(a), "words.json"))
		if err != nil {
			return err
		}
		var words map[string]int
		if err := json.Unmarshal(text, &words); err != nil {
			return err
		}
		for w, n := range words {
			total[w] += n
		}
	}
	for _, m := range job.Missing() {
		total["missing: "+m]++
	}
	return writeJSON(filepath.Join(job.Out, "words.json"), total)
}

func topWords(_ context.Context, job *Job, spec topSpec) error {
	pause(spec.Pause)
	text, err := os.ReadFile(filepath.Join(job.Dir(spec.Merged), "words.json"))
	if err != nil {
		return err
	}
	var words map[string]int
	if err := json.Unmarshal(text, &words); err != nil {
		return err
	}
	names := slices.SortedFunc(maps.Keys(words), func(a, b string) int {
		if words[a] != words[b] {
			return words[b] - words[a]
		}
		return strings.Compare(a, b)
	})
	var out bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&out, "%s\t%d\n", name, words[name])
	}
	if err := os.MkdirAll(filepath.Join(job.Out, "tables"), 0o777); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(job.Out, "tables", "top.tsv"), out.Bytes(), 0o666)
}

// pause gives kills a chance in the stages that are over at once.
func pause(lines int) { time.Sleep(10 * time.Duration(lines) * time.Millisecond) }

func writeJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o666)
}

// corpus writes n small texts into dir and returns their paths.
func corpus(t testing.TB, dir string, n int) []string {
	t.Helper()
	var paths []string
	for i := range n {
		var b strings.Builder
		for line := range 12 {
			b.WriteString("word" + strconv.Itoa((i*line)%11) + " and text" + strconv.Itoa(line%5) + "\n")
		}
		path := filepath.Join(dir, "text-"+strconv.Itoa(i)+".txt")
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// planWords plans count per text, then merge and top. With some, merge takes what
// there is.
func planWords(store *cache.Store, texts []string, spec countSpec, some bool) (*Plan, error) {
	plan := NewPlan(Environment{"words": "1.0"}, store.Hasher())
	merge := mergeSpec{Pause: spec.Pause}
	for _, path := range texts {
		var err error
		if spec.Text, err = plan.Input("text", path); err != nil {
			return nil, err
		}
		counted, err := plan.Add(countStage, filepath.Base(path), spec, Costs(Estimate{Bytes: 100}))
		if err != nil {
			return nil, err
		}
		if some {
			merge.Some = append(merge.Some, IfThere(counted))
		} else {
			merge.Counts = append(merge.Counts, counted)
		}
	}
	merged, err := plan.Add(mergeStage, "all", merge)
	if err != nil {
		return nil, err
	}
	_, err = plan.Add(topStage, "all", topSpec{merged, spec.Pause}, Published())
	return plan, err
}

func wordPlan(t testing.TB, store *cache.Store, texts []string, spec countSpec, some bool) *Plan {
	t.Helper()
	plan, err := planWords(store, texts, spec, some)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func openStore(t testing.TB, dir string) *cache.Store {
	t.Helper()
	store, err := cache.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
