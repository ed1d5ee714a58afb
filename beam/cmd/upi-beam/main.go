// Command upi-beam is upi with runs on Apache Beam: in this process, or on the machines of a Flink cluster.
package main

import (
	"log/slog"
	"os"

	"upi/beam"
	"upi/internal/command"
)

func main() {
	args := os.Args[1:]
	if beam.IsWorker(args) {
		os.Exit(beam.Serve(args, stages))
	}
	// Beam logs by the default logger what is of no interest here.
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	var flags flags
	os.Exit(command.MainWith(flags.executor(), args))
}
