package command

import (
	"fmt"
	"io"

	"upi/pipeline"
)

// checkDisk looks before the first task whether what the run writes fits on the cache's disk.
func (j *job) checkDisk(flags runFlags) error {
	return pipeline.Advise(j.disk.Fits(j.plan, j.store, flags.noCache))
}

// stageDisk says what the tasks of a stage that are to run write.
func stageDisk(s pipeline.StageDisk) string {
	switch {
	case s.Bytes == 0:
		return "-"
	case s.Transient:
		return size(s.Bytes) + " (dropped on the way)"
	}
	return size(s.Bytes)
}

// tellDisk says what is written to the cache's disk beside what is free there.
func (j *job) tellDisk(w io.Writer, use pipeline.DiskUse) error {
	free, err := j.disk.Free()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "disk of the cache: at most %s at once, %s in the end; a run may fill %s\n", size(use.Peak), size(use.Stays), size(max(free, 0)))
	if use.Peak > free {
		fmt.Fprintln(w, "the run does not fit: it would stop before its first task (exit code 1)")
	}
	return nil
}
