package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestGroupReasons: equal reasons are one line; those that name one artefact, shard or file of many are one line of their kind.
func TestGroupReasons(t *testing.T) {
	got := groupReasons([]planned{
		{"images", "a", []string{"shard data/a.parquet has changed"}},
		{"images", "b", []string{"shard data/b.parquet has changed"}},
		{"images", "c", []string{"shard c.parquet is new", "stage version 1 -> 2"}},
		{"fit", "f0", []string{"eps 510 -> 255", "model models/cnn -> models/vgg"}},
		{"fit", "f1", []string{"eps 510 -> 255", "model models/cnn -> models/vgg"}},
		{"fit", "f2", []string{"eps 1020 -> 255"}},
		{"evaluate", "e0", []string{"reads another fit f0", "reads another fit f0"}},
		{"evaluate", "e1", []string{"reads another fit f1 and 3 more"}},
		{"evaluate", "e2", []string{"reads 2 artefacts fewer"}},
		{"evaluate", "e3", []string{"reads 5 artefacts fewer"}},
		{"evaluate", "e4", []string{"its artefact is no longer in the cache"}},
		{"evaluate", "e5", []string{"look up in cache: read cache/x/artefact.json: it is cut"}},
		{"evaluate", "e6", []string{"reads another sign s0"}},
		{"images", "d", []string{"stage version 1 -> 2"}},
	})
	want := []reasonLine{
		{"images", "another shard: its content has changed", 2},
		{"images", "stage version 1 -> 2", 2},
		{"images", "shard c.parquet is new", 1},
		{"fit", "eps 510 -> 255", 2},
		{"fit", "model models/cnn -> models/vgg", 2},
		{"fit", "eps 1020 -> 255", 1},
		{"evaluate", "reads fewer artefacts", 2},
		{"evaluate", "reads other artefacts of the stage fit", 2},
		{"evaluate", "its artefact is no longer in the cache", 1},
		{"evaluate", "look up in cache: read cache/x/artefact.json: it is cut", 1},
		{"evaluate", "reads another sign s0", 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", shown(got), shown(want))
	}
}

func shown(lines []reasonLine) string {
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintln(&text, line)
	}
	return text.String()
}

// TestShowReasons: a stage of many reasons shows the first, and says how many more there are.
func TestShowReasons(t *testing.T) {
	tasks := []planned{{"tables", "t", []string{"new"}}}
	for i := range 11 {
		tasks = append(tasks, planned{"fit", fmt.Sprint(i), []string{fmt.Sprintf("eps %02d -> 255", i)}})
	}
	var text strings.Builder
	if err := showReasons(&text, tasks); err != nil {
		t.Fatal(err)
	}
	want := "\nto run  tasks  because\ntables  1      new\n"
	for i := range 8 {
		want += fmt.Sprintf("fit     1      eps %02d -> 255\n", i)
	}
	want += "fit            and 3 more reasons (--tasks lists them)\n"
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	text.Reset()
	if err := showReasons(&text, nil); err != nil || text.Len() > 0 {
		t.Errorf("nothing to run is shown as %q, %v", text.String(), err)
	}
}
