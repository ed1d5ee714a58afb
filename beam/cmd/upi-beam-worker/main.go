// Command upi-beam-worker is what a runner of Beam starts on a machine: it starts upi-beam, which lies beside it, as a worker. It
// links no TensorFlow, so that it can say that there is none.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"upi/beam"
)

func main() {
	flags := flag.NewFlagSet("upi-beam-worker", flag.ExitOnError) // Beam has the usual set full of its own
	id := flags.String("id", "", "the worker's id, from the runner")
	provision := flags.String("provision_endpoint", "", "where the runner tells what else there is to know")
	for _, name := range []string{"logging_endpoint", "artifact_endpoint", "control_endpoint", "semi_persist_dir"} {
		flags.String(name, "", "not used: the runner tells it at the provision endpoint")
	}
	flags.Parse(os.Args[1:])
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upi-beam-worker:", err)
		os.Exit(1)
	}
	if *id == "" || *provision == "" {
		fmt.Fprintln(os.Stderr, "upi-beam-worker: a runner of Beam starts this program, with -id and -provision_endpoint")
		os.Exit(2)
	}
	os.Exit(beam.Boot(filepath.Join(filepath.Dir(self), "upi-beam"), *id, *provision))
}
