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
	id := flag.String("id", "", "the worker's id, from the runner")
	provision := flag.String("provision_endpoint", "", "where the runner tells what else there is to know")
	flag.Parse()
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
