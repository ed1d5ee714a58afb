package beam

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"upi/pipeline"
	"upi/pipeline/atomicfile"
)

// jobsDir is the directory of the cache in which each job has a folder of its own.
const jobsDir = "jobs"

// The files in a job's folder, beside those of the stored plan.
const (
	jobFile    = "job.json"
	configFile = "config.yaml"
	aliveFile  = "alive"  // rewritten as long as the driver lives, and once all levels have ended
	stopFile   = "stop"   // there once the job is to end
	eventsDir  = "events" // a file for each worker process
	triesDir   = "tries"  // a file for each second try of a task
)

// A Job is what the workers of a run need to know beside its plan: plain values, in a file.
type Job struct {
	// Cache is the cache's directory, the same on all machines.
	Cache string `json:"cache"`
	// Workers is the number of tasks, and of calls to TensorFlow, at once in a worker process, at most: see Slots. Sizes of batches
	// depend on it.
	Workers int `json:"workers"`
	// KeepGoing goes on with what does not need a failed task, and Refresh runs tasks whatever the cache holds.
	KeepGoing bool `json:"keep_going"`
	Refresh   bool `json:"refresh"`
	// Levels are the numbers of the tasks to run. Those of a level read nothing of one another's, nor of later levels'.
	Levels [][]int `json:"levels"`
	// Cluster is true where workers are on machines of a cluster, and not in the driver's process: they are kept over the levels, run
	// what others have not come to, and try what has failed elsewhere.
	Cluster bool `json:"cluster"`
	// Copies is the number of machines among which copies of such a task are dealt out, if it is known.
	Copies int `json:"copies"`
	// GPUs is the number of GPUs that a worker process takes; 0 if the run has none.
	GPUs int `json:"gpus"`
	// Environment are the variables that TensorFlow reads when it is loaded.
	Environment map[string]string `json:"environment"`
	// Host, PID and Boot are the driver's, and ID the runner's name of the job once it has been submitted.
	Host     string `json:"host"`
	PID      int    `json:"pid"`
	Endpoint string `json:"endpoint,omitempty"`
	ID       string `json:"id,omitempty"`

	dir string
}

// Dir is the job's folder.
func (j *Job) Dir() string { return j.dir }

// newJobDir makes the folder of a new job in a cache.
func newJobDir(cache string) (string, error) {
	dir := filepath.Join(cache, jobsDir, rand.Text())
	for _, d := range []string{eventsDir, triesDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			return "", fmt.Errorf("make the job's folder: %w", err)
		}
	}
	return dir, nil
}

func (j *Job) write() error {
	text, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encode job: %w", err)
	}
	return atomicfile.WriteFile(filepath.Join(j.dir, jobFile), text)
}

// ReadJob reads the job in a folder.
func ReadJob(dir string) (*Job, error) {
	text, err := os.ReadFile(filepath.Join(dir, jobFile))
	if err != nil {
		return nil, fmt.Errorf("read the run's job: %w: this machine must see the cache at the driver's path", err)
	}
	j := &Job{dir: dir}
	if err := json.Unmarshal(text, j); err != nil {
		return nil, fmt.Errorf("read the run's job %s: %w", dir, err)
	}
	return j, nil
}

// Config is the path of the run's configuration.
func (j *Job) Config() string { return filepath.Join(j.dir, configFile) }

// stop asks all workers to end.
func (j *Job) stop() error { return atomicfile.WriteFile(filepath.Join(j.dir, stopFile), nil) }

func (j *Job) stopped() bool {
	_, err := os.Stat(filepath.Join(j.dir, stopFile))
	return err == nil
}

// goneFile holds the numbers of the tasks that have come to nothing in the levels up to this one. It is written once: a job that
// the runner starts again comes to the same conclusions.
func (j *Job) goneFile(level int) string {
	return filepath.Join(j.dir, "gone-"+strconv.Itoa(level)+".json")
}

// gone reads that file; it is nil, false if the level has not been concluded.
func (j *Job) gone(level int) (numbers []int, concluded bool, err error) {
	if level < 0 {
		return nil, true, nil
	}
	text, err := os.ReadFile(j.goneFile(level))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &numbers)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read which tasks have failed: %w", err)
	}
	return numbers, true, nil
}

// conclude writes which tasks are gone, unless an earlier attempt has; it returns what counts.
func (j *Job) conclude(level int, numbers []int) ([]int, error) {
	if there, concluded, err := j.gone(level); concluded || err != nil {
		return there, err
	}
	text, err := json.Marshal(numbers)
	if err != nil {
		return nil, err
	}
	return numbers, atomicfile.WriteFile(j.goneFile(level), text)
}

// alive rewrites the file that shows the driver's life, and whether it has seen all levels end.
func (j *Job) alive(beat int, over bool) error {
	text := strconv.Itoa(beat)
	if over {
		text += overMark
	}
	return os.WriteFile(filepath.Join(j.dir, aliveFile), []byte(text), 0o666)
}

const overMark = " over"

// heartbeat reads it.
func (j *Job) heartbeat() (beat string, over bool, err error) {
	text, err := os.ReadFile(filepath.Join(j.dir, aliveFile))
	return string(text), strings.HasSuffix(string(text), overMark), err
}

// longestFirst sorts the tasks of each level by the work that is expected of them, so that what ends last is short.
func longestFirst(levels [][]int, tasks []*pipeline.Task) {
	for _, numbers := range levels {
		slices.SortStableFunc(numbers, func(a, b int) int { return cmp.Compare(tasks[b].Estimate.Work, tasks[a].Estimate.Work) })
	}
}

// levels sorts the numbers of tasks into levels: each task after all that it reads. Tasks that are done make no level.
func levels(tasks []*pipeline.Task, done func(i int) bool) [][]int {
	depth, index := make([]int, len(tasks)), make(map[pipeline.Key]int, len(tasks))
	var all [][]int
	for i, t := range tasks {
		index[t.Key] = i
		least := 0
		for _, p := range t.Parents {
			least = max(least, depth[index[p.Key]])
		}
		if done(i) {
			depth[i] = least
			continue
		}
		depth[i] = least + 1
		for len(all) < depth[i] {
			all = append(all, nil)
		}
		all[least] = append(all[least], i)
	}
	return all
}
