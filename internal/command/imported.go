package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"upi/data/imports"
)

// logImported logs what an import warns of and each thing that it has left out. An error names the first bad pictures itself.
func logImported(log *slog.Logger, r *imports.Result, err error) {
	named, logged := 0, 0
	for _, s := range r.Skipped {
		if s.Reason == imports.Bad && err != nil && named < imports.NamedBad {
			named++
			continue
		}
		if logged++; logged > mostLogged {
			continue
		}
		level := slog.LevelInfo
		if s.Reason == imports.Bad {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "left out", "path", s.Path, "reason", s.Reason, "detail", s.Detail, "files", s.Files)
	}
	if logged > mostLogged {
		log.Info("left out", "more", logged-mostLogged)
	}
	for _, text := range r.Warnings {
		log.Warn(text)
	}
}

// mostLogged bounds what is logged of what was left out; skipped.csv has it all.
const mostLogged = 1000

// shownClasses bounds the classes that are listed on a line.
const shownClasses = 20

// showImported says what an import has made in the folder dst.
func showImported(out io.Writer, dst string, r *imports.Result) {
	fmt.Fprintln(out, dst)
	for _, s := range r.Splits {
		fmt.Fprintf(out, "%s: %d images of %s\n", s.Name, s.Images, showClasses(s, r.ClassNames))
	}
	count := r.CountSkipped()
	left, why := 0, []string{}
	for _, reason := range slices.Sorted(maps.Keys(count)) {
		left += count[reason]
		why = append(why, fmt.Sprintf("%d %s", count[reason], reason))
	}
	fmt.Fprintf(out, "%d images in all, %d files or rows left out", r.Images(), left)
	if left > 0 {
		fmt.Fprintf(out, " (%s), each named in %s", strings.Join(why, ", "), filepath.Join(dst, "skipped.csv"))
	}
	fmt.Fprintln(out)
}

// showClasses counts the images of each class, or says the range of the counts.
func showClasses(s imports.SplitResult, names []string) string {
	var parts []string
	classes, least, most := 0, int64(0), int64(0)
	for label, n := range s.PerClass {
		if n == 0 && label >= len(names) {
			continue
		}
		name := fmt.Sprint(label)
		if label < len(names) {
			name = names[label]
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
		if classes == 0 {
			least, most = n, n
		}
		classes, least, most = classes+1, min(least, n), max(most, n)
	}
	if classes > shownClasses {
		return fmt.Sprintf("%d classes, %d to %d of each (classes.csv has them all)", classes, least, most)
	}
	return fmt.Sprintf("%d classes: %s", classes, strings.Join(parts, ", "))
}
