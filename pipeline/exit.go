package pipeline

import (
	"context"
	"errors"

	"upi/pipeline/config"
)

// The exit codes of a run's command.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2 // the configuration or the command line is wrong
	ExitPartial     = 3 // done but for some tasks
	ExitLocked      = 4 // another run holds the lock
	ExitInterrupted = 130
)

// ExitCode is the exit code that says what an error is.
func ExitCode(err error) int {
	var (
		usage       *config.Error
		partial     *PartialError
		locked      *LockedError
		interrupted *InterruptedError
	)
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &locked):
		return ExitLocked
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &partial):
		return ExitPartial
	}
	return ExitFailed
}
