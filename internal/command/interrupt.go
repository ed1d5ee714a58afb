package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"upi/pipeline"
)

// A signalError is the cause of a context that a signal has ended.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return "signal " + e.String() }

func (e signalError) Unwrap() error { return context.Canceled }

// interruptible returns a context that the first SIGINT or SIGTERM ends. A second one ends the process at once: artefacts are only
// ever renamed into place. After release the context has ended if a signal came; later ones have their default effect, which is to
// end the process.
func interruptible() (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals, ended := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		defer close(ended)
		for s := range signals {
			if ctx.Err() != nil {
				os.Exit(pipeline.ExitInterrupted)
			}
			cancel(signalError{s})
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(signals)
		<-ended
	})
}

// interruptibly does work that takes no context. Once ctx has ended it is left to itself, for the process to end.
func interruptibly[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
}

// abandonable lets a signal end a command wherever it is: it writes nothing, or only whole files.
func abandonable(build func() *cobra.Command) func() *cobra.Command {
	return func() *cobra.Command {
		c := build()
		inner := c.RunE
		c.RunE = func(c *cobra.Command, args []string) error {
			_, err := interruptibly(c.Context(), func() (struct{}, error) { return struct{}{}, inner(c, args) })
			return err
		}
		return c
	}
}
