package beam

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"upi/pipeline"
	"upi/pipeline/lock"
)

// jobVariable is the environment variable that tells a worker the folder of its job.
const jobVariable = "BEAM_UPI_JOB"

// Boot is what a runner starts on a machine each time that it wants a worker there, which Flink does for each level of a job. It has
// the worker of the job on this machine serve the runner: the one process that holds the models, which it starts if there is none
// yet. Where the program cannot be started, for want of TensorFlow, it is the worker itself, one whose tasks all fail with the
// reason: other machines can do them. The id and the provision endpoint are the runner's arguments. It returns an exit code.
func Boot(program, id, provision string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "upi-beam-worker:", err)
		return 1
	}
	go leaveWith(os.Getppid(), func() { os.Exit(1) })
	info, err := tools.ProvisionInfo(grpcx.WriteWorkerID(context.Background(), id), provision)
	if err != nil {
		return fail(fmt.Errorf("ask the runner: %w", err))
	}
	e := endpoints{id, info.GetLoggingEndpoint().GetUrl(), info.GetControlEndpoint().GetUrl()}
	j, err := ReadJob(os.Getenv(jobVariable))
	if err != nil {
		return fail(err)
	}
	worker, err := reach(j, program)
	var broken *startError
	if errors.As(err, &broken) {
		Provide(func(*Job) (pipeline.Stages, error) { return nil, broken })
		err = serve(e)
	} else if err == nil {
		err = hand(worker, e)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

// hand has a worker serve the runner, and waits until it has.
func hand(worker net.Conn, e endpoints) error {
	defer worker.Close()
	if err := json.NewEncoder(worker).Encode(e); err != nil {
		return fmt.Errorf("hand over to the worker: %w", err)
	}
	answer, err := bufio.NewReader(worker).ReadString('\n')
	if err != nil {
		return errors.New("the worker has died")
	}
	if answer = strings.TrimSpace(answer); answer != "" {
		return errors.New(answer)
	}
	return nil
}

// A startError is why the program does not start on this machine.
type startError struct{ reason string }

func (e *startError) Error() string { return e.reason }

// reach connects to the worker of a job that the runner's process on this machine has, and starts it if there is none.
func reach(j *Job, program string) (net.Conn, error) {
	runner := os.Getppid()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", j.dir, runner))
	socket := filepath.Join(os.TempDir(), "upi-beam-"+hex.EncodeToString(sum[:8]))
	starting, err := lock.Wait(context.Background(), socket+".lock", nil)
	if err != nil {
		return nil, err
	}
	defer starting.Release()
	if c, err := net.Dial("unix", socket); err == nil {
		return c, nil
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return start(j, program, socket, runner)
}

// start starts the worker, in a session of its own: it outlives this process, and ends with the job or the runner's process.
func start(j *Job, program, socket string, runner int) (net.Conn, error) {
	said, err := os.CreateTemp("", "upi-beam-*.log")
	if err != nil {
		return nil, err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	c := exec.Command(program, workerCommand, fmt.Sprint("-runner=", runner), "-socket="+socket)
	c.Stdout, c.Stderr = said, said
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Env = os.Environ()
	for name, value := range j.Environment {
		c.Env = append(c.Env, name+"="+value)
	}
	if err := c.Start(); err != nil {
		return nil, &startError{err.Error()}
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	const pause = 50 * time.Millisecond
	for {
		select {
		case err := <-ended:
			said.Seek(0, io.SeekStart)
			text, _ := io.ReadAll(io.LimitReader(said, 1<<16))
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			return nil, &startError{fmt.Sprintf("%s does not start: %s (%v)", program, lines[len(lines)-1], err)}
		case <-time.After(pause):
		}
		if connection, err := net.Dial("unix", socket); err == nil {
			return connection, nil
		}
	}
}
