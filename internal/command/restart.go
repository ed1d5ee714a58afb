package command

import (
	"fmt"
	"os"
	"syscall"
)

// A restartError asks for the program to be started anew with other environment variables: TensorFlow reads them when it is loaded,
// before main.
type restartError struct{ environment map[string]string }

func (e *restartError) Error() string { return "TensorFlow's environment is not as it has to be" }

// settled returns a [*restartError] unless TensorFlow's environment is as it has to be.
func settled(deterministic bool) error {
	want := map[string]string{}
	if deterministic {
		// oneDNN's kernels round differently in batches of different sizes.
		for name, value := range map[string]string{"TF_ENABLE_ONEDNN_OPTS": "0", "TF_DETERMINISTIC_OPS": "1"} {
			if os.Getenv(name) != value {
				want[name] = value
			}
		}
	}
	if len(want) > 0 {
		return &restartError{want}
	}
	return nil
}

// restart starts the program anew in this process. It returns only with an error. While TensorFlow loads again, nobody is there to take
// signals, as when it was first loaded.
func (e *restartError) restart() error {
	for name, value := range e.environment {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program's own file: %w", err)
	}
	return fmt.Errorf("start the program anew for TensorFlow's environment: %w", syscall.Exec(self, os.Args, os.Environ()))
}
