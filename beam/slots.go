package beam

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
)

// slotsVariable is the environment variable that says how many tasks a machine is to run at once.
const slotsVariable = "BEAM_UPI_SLOTS"

// Slots is the number of tasks, and of calls to TensorFlow, at once in a worker on this machine: one for each of its cores, or what
// BEAM_UPI_SLOTS says, and at most the run's Workers. For those sizes of batches are made, on all machines alike, so that no result
// depends on the slots. An error says that the variable is not a number from 1 to Workers.
func (j *Job) Slots() (int, error) {
	if !j.Cluster {
		return j.Workers, nil
	}
	text := os.Getenv(slotsVariable)
	if text == "" {
		return min(j.Workers, runtime.GOMAXPROCS(0)), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > j.Workers {
		return 0, fmt.Errorf("%s is %q here, want 1 to %d: the run's workers, for which batches are made; set workers to the most that any machine is to have",
			slotsVariable, text, j.Workers)
	}
	return n, nil
}
