package imports

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Result is what an import has made and what it has left out.
type Result struct {
	Splits []SplitResult
	// ClassNames are the names of the labels 0, 1, ...; nil where they have none.
	ClassNames []string
	Skipped    []Skipped
	// Warnings are what may be wrong with the source: a class without pictures, a split that lacks a class of another.
	Warnings []string
}

// SplitResult is a split that was written.
type SplitResult struct {
	Name   string
	Images int64
	// PerClass is the number of images with the labels 0, 1, ...
	PerClass []int64
}

// Images is the number of all images written.
func (r *Result) Images() (n int64) {
	for _, s := range r.Splits {
		n += s.Images
	}
	return n
}

// Reason is why something of the source is not in the shards.
type Reason string

// The reasons. Only Bad counts against Options.SkipBad.
const (
	Hidden    Reason = "hidden"             // ._NAME, .DS_Store, Thumbs.db, __MACOSX and the like
	NoPicture Reason = "not a picture"      // by its name and by its first bytes
	Classless Reason = "in no class"        // a picture that lies where no class is told
	Link      Reason = "a link"             // in an archive, or one that leads nowhere
	Bad       Reason = "cannot be read"     // a picture, or a row of a table
	Unasked   Reason = "in no split or set" // a folder beside those that are read
)

// Skipped is a file, a folder or a row that was left out.
type Skipped struct {
	Path   string
	Reason Reason
	Detail string // what is wrong with it; "" where the reason says all
	Files  int    // 1, or of a folder those in it
}

// CountSkipped is the number of files left out for each reason.
func (r *Result) CountSkipped() map[Reason]int {
	count := map[Reason]int{}
	for _, s := range r.Skipped {
		count[s.Reason] += s.Files
	}
	return count
}

func (j *job) skip(path string, reason Reason, files int) {
	j.result.Skipped = append(j.result.Skipped, Skipped{Path: j.shown(path), Reason: reason, Files: files})
}

func (j *job) warn(format string, args ...any) {
	j.result.Warnings = append(j.result.Warnings, fmt.Sprintf(format, args...))
}

// shown is a path with the archive's in place of that of the folder it was unpacked to.
func (j *job) shown(path string) string {
	if inner, ok := strings.CutPrefix(path, j.unpacked); ok && j.unpacked != "" {
		return j.archive + inner
	}
	return path
}

// moreBad is how many bad pictures above those that may be skipped an import looks for, so as to name them in one go.
const moreBad = 100

// badPicture notes what cannot be read. Its error ends the search where there are far more than may be skipped.
func (j *job) badPicture(path string, err error) error {
	if j.seenBad[path] { // in two splits that share it
		return nil
	}
	if j.seenBad == nil {
		j.seenBad = map[string]bool{}
	}
	j.seenBad[path] = true
	detail := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "picture "+path+": ")), " ") // on one line
	j.result.Skipped = append(j.result.Skipped, Skipped{Path: j.shown(path), Reason: Bad, Detail: detail, Files: 1})
	if j.bad++; j.bad > j.options.SkipBad+moreBad {
		return j.tooMany()
	}
	return nil
}

// NamedBad bounds the bad pictures that an error names.
const NamedBad = 10

// sort puts what was left out in the order of its paths.
func (r *Result) sort() {
	slices.SortStableFunc(r.Skipped, func(a, b Skipped) int { return strings.Compare(a.Path, b.Path) })
}

// tooMany is an error where more pictures are bad than may be skipped.
func (j *job) tooMany() error {
	if j.bad <= j.options.SkipBad {
		return nil
	}
	j.result.sort()
	var lines []string
	for _, s := range j.result.Skipped {
		if s.Reason == Bad && len(lines) < NamedBad {
			lines = append(lines, fmt.Sprintf("%s: %s", s.Path, s.Detail))
		}
	}
	count := strconv.FormatInt(j.bad, 10)
	if j.bad > j.options.SkipBad+moreBad {
		count += " (and there may be more)"
	}
	if more := j.bad - int64(len(lines)); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("pictures that cannot be read: %s; mend or remove them, or go on without them with --skip-bad %d:\n  %s",
		count, j.bad, strings.Join(lines, "\n  "))
}

// The files beside the shards.
const (
	skippedFile = "skipped.csv"
	classesFile = "classes.csv"
)

// The heads of these files.
var (
	skippedHead = []string{"path", "reason", "detail", "files"}
	classesHead = []string{"split", "label", "class", "images"}
)

// checkLists makes sure that files of these names are such lists, to which lines can be added.
func checkLists(dir string) error {
	for name, head := range map[string][]string{skippedFile: skippedHead, classesFile: classesHead} {
		if _, err := oldList(dir, name, head); err != nil {
			return err
		}
	}
	return nil
}

// writeLists writes skipped.csv and classes.csv into dir, with what old ones say in the folder kept.
func (r *Result) writeLists(dir, kept string) error {
	classes := [][]string{classesHead}
	for _, s := range r.Splits {
		for label, n := range s.PerClass {
			name := ""
			if label < len(r.ClassNames) {
				name = r.ClassNames[label]
			}
			classes = append(classes, []string{s.Name, strconv.Itoa(label), name, strconv.FormatInt(n, 10)})
		}
	}
	if err := writeList(dir, kept, classesFile, classes); err != nil || len(r.Skipped) == 0 {
		return err
	}
	skipped := [][]string{skippedHead}
	for _, s := range r.Skipped {
		skipped = append(skipped, []string{s.Path, string(s.Reason), s.Detail, strconv.Itoa(s.Files)})
	}
	return writeList(dir, kept, skippedFile, skipped)
}

// writeList writes a list that begins with its head; lines of an old one that the new one has not are kept in front.
func writeList(dir, kept, name string, lines [][]string) error {
	before, err := oldList(kept, name, lines[0])
	if err != nil {
		return err
	}
	before = slices.DeleteFunc(before, func(line []string) bool {
		return slices.ContainsFunc(lines, func(other []string) bool { return slices.Equal(line, other) })
	})
	lines = slices.Concat(lines[:1], before, lines[1:])
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := errors.Join(csv.NewWriter(f).WriteAll(lines), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// oldList are the lines of a list that is there already, behind a head that must be this one.
func oldList(dir, name string, head []string) ([][]string, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w; remove it, or import into another folder", path, err)
	}
	if len(lines) == 0 || !slices.Equal(lines[0], head) {
		return nil, fmt.Errorf("%s does not begin with %s; remove it, or import into another folder", path, strings.Join(head, ","))
	}
	return lines[1:], nil
}
