package beam

import (
	"context"
	"errors"
	"log/slog"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"golang.org/x/sys/unix"
)

// lives reports whether a process of this machine exists.
func lives(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

// leaveWith calls leave once a process of this machine is no more: a runner that was killed stops nobody.
func leaveWith(pid int, leave func()) {
	const pause = 500 * time.Millisecond
	for lives(pid) {
		time.Sleep(pause)
	}
	leave()
}

// attach finds the job of another driver at its runner.
func attach(ctx context.Context, j *Job, log *slog.Logger) (*submission, error) {
	connection, err := dial(ctx, j.Endpoint)
	if err != nil {
		return nil, err
	}
	return &submission{client: jobpb.NewJobServiceClient(connection), connection: connection, id: j.ID, log: log}, nil
}
