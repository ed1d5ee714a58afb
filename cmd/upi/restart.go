package main

import (
	"fmt"
	"os"
	"syscall"
)

// restart starts the program anew where TensorFlow's environment is not as it has to be: the library reads it when it is loaded,
// before main. It returns only if nothing had to change, or with an error.
func restart(deterministic bool) error {
	want := map[string]string{"TF_CPP_MIN_LOG_LEVEL": "2"}
	if deterministic {
		// oneDNN's kernels round differently in batches of different sizes.
		want["TF_ENABLE_ONEDNN_OPTS"] = "0"
		want["TF_DETERMINISTIC_OPS"] = "1"
	}
	changed := false
	for name, value := range want {
		have, ok := os.LookupEnv(name)
		if ok && (have == value || name == "TF_CPP_MIN_LOG_LEVEL") {
			continue
		}
		changed = true
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if !changed {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program's own file: %w", err)
	}
	if err := syscall.Exec(self, os.Args, os.Environ()); err != nil {
		return fmt.Errorf("start the program anew for TensorFlow's environment: %w", err)
	}
	return nil
}
