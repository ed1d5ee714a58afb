package beam

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/hooks"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"upi/pipeline"
)

// workerCommand is the first argument of a process that is to be a worker.
const workerCommand = "beam-worker"

// IsWorker reports whether the arguments, without the program's name, ask for a worker.
func IsWorker(args []string) bool { return len(args) > 0 && args[0] == workerCommand }

// endpoints are where a worker finds its runner.
type endpoints struct{ ID, Logging, Control string }

// Serve is the life of a worker: it serves the runner each time that upi-beam-worker asks for it, with one engine, and ends with the
// job, or with the runner's process. It returns an exit code.
func Serve(args []string, provide Provider) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "upi-beam:", err)
		return 1
	}
	flags := flag.NewFlagSet(workerCommand, flag.ContinueOnError)
	runner := flags.Int("runner", 0, "the runner's process")
	socket := flags.String("socket", "", "where to listen")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	end := func() {
		os.Remove(*socket)
		os.Exit(0)
	}
	go leaveWith(*runner, end)
	leave = end
	Provide(func(j *Job) (pipeline.Stages, error) {
		if j.GPUs > 0 {
			// They are this process's to its end. CUDA reads the variable when it is first used.
			gpus, err := TakeGPUs(j.GPUs)
			if err != nil {
				return nil, err
			}
			if err := os.Setenv(visibleGPUs, gpus.Names()); err != nil {
				return nil, err
			}
		}
		return provide(j)
	})
	// The engine is made before the first task asks for it: what is missing is told, whatever the runner does.
	if _, err := performerOf(os.Getenv(jobVariable)); err != nil {
		return fail(err)
	}
	listener, err := net.Listen("unix", *socket)
	if err != nil {
		return fail(err)
	}
	beam.Init()
	for {
		asked, err := listener.Accept()
		if err != nil {
			return fail(err)
		}
		go answer(asked)
	}
}

// answer serves a runner, and tells when it is done, or what went wrong.
func answer(asked net.Conn) {
	defer asked.Close()
	var e endpoints
	err := json.NewDecoder(asked).Decode(&e)
	if err == nil {
		err = serve(e)
	}
	text := ""
	if err != nil {
		text = firstLine(err.Error())
	}
	fmt.Fprintln(asked, text)
}

// serve does what the runner asks for, until the runner has enough.
func serve(e endpoints) error {
	beam.Init()
	hooks.SerializeHooksToOptions() // there are none; Beam warns if this is not said
	err := harness.MainWithOptions(grpcx.WriteWorkerID(context.Background(), e.ID), e.Logging, e.Control, harness.Options{})
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
