package beam

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
)

// workerCommand is the first argument of a process that is to be a worker.
const workerCommand = "beam-worker"

// IsWorker reports whether the arguments, without the program's name, ask for a worker.
func IsWorker(args []string) bool { return len(args) > 0 && args[0] == workerCommand }

// endpoints are where a worker finds its runner.
type endpoints struct{ id, logging, control string }

func (e endpoints) args() []string {
	return []string{workerCommand, "-id=" + e.id, "-logging=" + e.logging, "-control=" + e.control}
}

// Serve is the life of a worker: it does what the runner asks for, and ends when the runner is gone. It returns an exit code.
func Serve(args []string, provide Provider) int {
	var e endpoints
	flags := flag.NewFlagSet(workerCommand, flag.ContinueOnError)
	flags.StringVar(&e.id, "id", "", "the worker's id")
	flags.StringVar(&e.logging, "logging", "", "where to log")
	flags.StringVar(&e.control, "control", "", "where to ask for work")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	return serve(e, provide)
}

func serve(e endpoints, provide Provider) int {
	Provide(provide)
	beam.Init()
	// The engine is made before the first task asks for it: what is missing is then told, whatever the runner does.
	if _, err := performerOf(os.Getenv(jobVariable)); err != nil {
		fmt.Fprintln(os.Stderr, "upi-beam:", err)
		return 1
	}
	go leaveWithParent(func() { os.Exit(1) })
	err := harness.MainWithOptions(grpcx.WriteWorkerID(context.Background(), e.id), e.logging, e.control, harness.Options{})
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "upi-beam:", err)
		return 1
	}
	return 0
}
