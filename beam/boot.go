package beam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"upi/pipeline"
)

// jobVariable is the environment variable that tells a worker the folder of its job.
const jobVariable = "BEAM_UPI_JOB"

// Boot is what a runner starts on a machine to have a worker there: it looks whether the program that runs the tasks can be started
// at all, takes the GPUs that the worker is to have, and starts it, as a child that dies with it. Where the program cannot be
// started, for want of TensorFlow, it is the worker itself, one whose tasks all fail with the reason: other machines can do them.
// The id and the provision endpoint are the runner's arguments. It returns an exit code.
func Boot(program, id, provision string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "upi-beam-worker:", err)
		return 1
	}
	ctx := grpcx.WriteWorkerID(context.Background(), id)
	info, err := tools.ProvisionInfo(ctx, provision)
	if err != nil {
		return fail(fmt.Errorf("ask the runner: %w", err))
	}
	e := endpoints{id, info.GetLoggingEndpoint().GetUrl(), info.GetControlEndpoint().GetUrl()}
	j, err := ReadJob(os.Getenv(jobVariable))
	if err != nil {
		return fail(err)
	}
	for name, value := range j.Environment {
		if err := os.Setenv(name, value); err != nil {
			return fail(err)
		}
	}
	broken := starts(program)
	if broken == nil && j.GPUs > 0 {
		var gpus *GPUs
		if gpus, broken = TakeGPUs(j.GPUs); broken == nil {
			defer gpus.Release()
			if err := os.Setenv(visibleGPUs, gpus.Names()); err != nil {
				return fail(err)
			}
		}
	}
	if broken != nil {
		return serve(e, func(*Job) (pipeline.Stages, error) { return nil, broken })
	}
	return runChild(program, e)
}

// starts looks whether a program can be started on this machine: its libraries are there.
func starts(program string) error {
	c := exec.Command(program, "version")
	var said bytes.Buffer
	c.Stderr = &said
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && said.Len() > 0 {
		return errors.New(firstLine(strings.TrimSpace(said.String())))
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	return nil
}

// runChild runs the worker until it ends, or the runner does, or asks for its end.
func runChild(program string, e endpoints) int {
	// The child is killed when the thread ends that has started it.
	runtime.LockOSThread()
	c := exec.Command(program, e.args()...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "upi-beam-worker:", err)
		return 1
	}
	go leaveWithParent(func() { os.Exit(1) })
	if err := c.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "upi-beam-worker:", err)
		return 1
	}
	return 0
}
