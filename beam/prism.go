package beam

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/extworker"

	"upi/pipeline"
)

// The environments of workers, by the names that Beam has for them.
const (
	urnProcess  = "beam:env:process:v1"
	urnExternal = "beam:env:external:v1"
)

// A prismRunner is Prism in this process, with a worker in this process too.
type prismRunner struct {
	endpoint    string
	environment environment
	workers     *extworker.Loopback
}

// startPrism starts it for tasks of these stages. Prism's own server lives until the process ends: it cannot be stopped.
func startPrism(stages pipeline.Stages) (*prismRunner, error) {
	Provide(func(*Job) (pipeline.Stages, error) { return stages, nil })
	logger := slog.Default()
	beam.Init()
	slog.SetDefault(logger) // Beam has put its own in its place
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("start Prism: %w", err)
	}
	if _, err := prism.CreateJobServer(context.Background(), prism.Options{Port: port}); err != nil {
		return nil, fmt.Errorf("start Prism: %w", err)
	}
	workers, err := extworker.StartLoopback(context.Background(), 0)
	if err != nil {
		return nil, fmt.Errorf("start Prism's worker: %w", err)
	}
	return &prismRunner{endpoint: fmt.Sprintf("localhost:%d", port), workers: workers,
		environment: environment{urnExternal, workers.EnvironmentConfig(context.Background())}}, nil
}

func (p *prismRunner) stop() { p.workers.Stop(context.Background()) }

// freePort finds a port: Prism does not tell which one it has taken by itself.
func freePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
