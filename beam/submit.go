package beam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/hooks"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

// An environment is how a runner starts a worker: its URN and configuration, as Beam defines them.
type environment struct{ urn, config string }

// marshal makes the pipeline of a job for a runner.
func marshal(ctx context.Context, j *Job, e environment) (*pipepb.Pipeline, error) {
	p, scope := beam.NewPipelineWithRoot()
	build(scope, j)
	edges, _, err := p.Build()
	if err != nil {
		return nil, fmt.Errorf("build pipeline: %w", err)
	}
	env, err := graphx.CreateEnvironment(ctx, e.urn, func(context.Context) string { return e.config })
	if err != nil {
		return nil, fmt.Errorf("build pipeline: %w", err)
	}
	marshalled, err := graphx.Marshal(edges, &graphx.Options{Environment: env})
	if err != nil {
		return nil, fmt.Errorf("build pipeline: %w", err)
	}
	return marshalled, nil
}

// A submission is a job at a runner.
type submission struct {
	client     jobpb.JobServiceClient
	connection *grpc.ClientConn
	id         string
	log        *slog.Logger
}

// dial connects to a job service. A service that does not answer within a minute is an error.
func dial(ctx context.Context, endpoint string) (*grpc.ClientConn, error) {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := grpc.NewClient("passthrough:///"+endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		return nil, fmt.Errorf("connect to the job service %s: %w", endpoint, err)
	}
	connection.Connect()
	for state := connection.GetState(); state.String() != "READY"; state = connection.GetState() {
		if !connection.WaitForStateChange(ctx, state) {
			connection.Close()
			return nil, fmt.Errorf("connect to the job service %s: it does not answer (%w)", endpoint, context.Cause(ctx))
		}
	}
	return connection, nil
}

// submit has a runner begin a job, at a parallelism of 0 at the cluster's default.
func submit(ctx context.Context, endpoint, name string, parallelism int, p *pipepb.Pipeline, log *slog.Logger) (*submission, error) {
	const preset = -1
	if parallelism == 0 {
		parallelism = preset
	}
	connection, err := dial(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	s := &submission{client: jobpb.NewJobServiceClient(connection), connection: connection, log: log}
	if err := s.begin(ctx, name, parallelism, p); err != nil {
		connection.Close()
		return nil, fmt.Errorf("submit the job to %s: %w", endpoint, err)
	}
	return s, nil
}

func (s *submission) begin(ctx context.Context, name string, parallelism int, p *pipepb.Pipeline) error {
	// Machines have the program already; what is staged in its place is empty.
	nothing, err := os.CreateTemp("", "upi-beam-*")
	if err != nil {
		return err
	}
	defer os.Remove(nothing.Name())
	defer nothing.Close()
	if err := runnerlib.UpdateGoEnvironmentWorker(nothing.Name(), p); err != nil {
		return err
	}
	options, err := options(name, parallelism)
	if err != nil {
		return err
	}
	prepared, err := s.client.Prepare(ctx, &jobpb.PrepareJobRequest{Pipeline: p, PipelineOptions: options, JobName: name})
	if err != nil {
		return err
	}
	id := prepared.GetPreparationId()
	token, err := runnerlib.Stage(ctx, id, prepared.GetArtifactStagingEndpoint().GetUrl(), nothing.Name(), prepared.GetStagingSessionToken())
	if err != nil {
		return err
	}
	s.id, err = runnerlib.Submit(ctx, s.client, id, token)
	return err
}

// options are those that the runner gets with the job.
func options(name string, parallelism int) (*structpb.Struct, error) {
	hooks.SerializeHooksToOptions()
	return tools.OptionsToProto(runtime.RawOptionsWrapper{AppName: name, Experiments: []string{"beam_fn_api"}, Parallelism: parallelism})
}

func (s *submission) close() { s.connection.Close() }

// wait waits for the end of the job, which is an error unless it ends well. The context may end the waiting, not the job.
func (s *submission) wait(ctx context.Context) error {
	stream, err := s.client.GetMessageStream(ctx, &jobpb.JobMessagesRequest{JobId: s.id})
	if err != nil {
		return fmt.Errorf("follow job %s: %w", s.id, err)
	}
	var reasons []string
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return s.ended(ctx, reasons)
		}
		if err != nil {
			return fmt.Errorf("follow job %s: %w", s.id, err)
		}
		if text := m.GetMessageResponse(); text != nil {
			if text.GetImportance() >= jobpb.JobMessage_JOB_MESSAGE_ERROR {
				reasons = append(reasons, firstLine(text.GetMessageText()))
			}
			continue
		}
		switch m.GetStateResponse().GetState() {
		case jobpb.JobState_DONE:
			return nil
		case jobpb.JobState_CANCELLED:
			return errCancelled
		case jobpb.JobState_RUNNING:
			s.log.Info("the job runs", "id", s.id)
		case jobpb.JobState_FAILED:
			const grace = 2 * time.Second // for the message that says why
			go func() {
				time.Sleep(grace)
				stream.CloseSend()
			}()
			if len(reasons) > 0 {
				return s.ended(ctx, reasons)
			}
		}
	}
}

var errCancelled = errors.New("the job was cancelled")

func (s *submission) ended(ctx context.Context, reasons []string) error {
	answer, err := s.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: s.id})
	switch {
	case err != nil:
		return fmt.Errorf("follow job %s: %w", s.id, err)
	case answer.GetState() == jobpb.JobState_DONE:
		return nil
	case answer.GetState() == jobpb.JobState_CANCELLED:
		return errCancelled
	case len(reasons) == 0:
		reasons = []string{"the runner's log says why"}
	}
	return fmt.Errorf("job %s has failed: %s", s.id, strings.Join(reasons, "; "))
}

// cancel ends the job, and waits until it has ended.
func (s *submission) cancel(ctx context.Context) error {
	if _, err := s.client.Cancel(ctx, &jobpb.CancelJobRequest{JobId: s.id}); err != nil {
		return fmt.Errorf("cancel job %s: %w", s.id, err)
	}
	const pause = 200 * time.Millisecond
	for {
		answer, err := s.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: s.id})
		if err != nil {
			return fmt.Errorf("cancel job %s: %w", s.id, err)
		}
		switch answer.GetState() {
		case jobpb.JobState_CANCELLED, jobpb.JobState_DONE, jobpb.JobState_FAILED:
			return nil
		}
		time.Sleep(pause)
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
