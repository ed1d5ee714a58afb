package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"upi/pipeline/config"
)

// The exit codes of a run's command.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2 // the configuration, the command line or what they name is wrong or not there
	ExitPartial     = 3 // done but for some tasks
	ExitLocked      = 4 // another run holds the lock
	ExitGate        = 5 // a condition on the results does not hold
	ExitInterrupted = 130
)

// A NamedError says that what a configuration names, such as a model, a shard or a device, is not there or does not fit: starting the
// run again does not help.
type NamedError struct{ Err error }

func (e *NamedError) Error() string { return e.Err.Error() }

func (e *NamedError) Unwrap() error { return e.Err }

// passing are the errors of a disk or a network that may be gone the next time.
var passing = []error{unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.EIO, unix.ESTALE, unix.ETIMEDOUT, unix.EINTR, unix.EAGAIN, unix.ENOMEM,
	unix.EMFILE, unix.ENFILE, context.Canceled, context.DeadlineExceeded}

// Named makes a [*NamedError] of the error of looking for what a configuration names, unless it is one of a disk or of memory.
func Named(err error) error {
	if err == nil || slices.ContainsFunc(passing, func(other error) bool { return errors.Is(err, other) }) {
		return err
	}
	return &NamedError{err}
}

// A GateError says which conditions on the results of a run, or on the difference of two runs, do not hold.
type GateError struct{ Failed []string }

func (e *GateError) Error() string {
	return fmt.Sprintf("%d conditions do not hold:\n  %s", len(e.Failed), strings.Join(e.Failed, "\n  "))
}

// ExitCode is the exit code that says what an error is.
func ExitCode(err error) int {
	var (
		usage       *config.Error
		named       *NamedError
		partial     *PartialError
		locked      *LockedError
		interrupted *InterruptedError
		gate        *GateError
	)
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &usage), errors.As(err, &named):
		return ExitUsage
	case errors.As(err, &locked):
		return ExitLocked
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &partial):
		return ExitPartial
	case errors.As(err, &gate):
		return ExitGate
	}
	return ExitFailed
}
