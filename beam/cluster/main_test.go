// Package cluster tests upi-beam on a real Flink cluster on this machine: a JobManager, two TaskManagers, each with a host name and a
// view of the file system of its own where that is allowed, and a job server. make test-cluster runs it.
package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bin is the folder of the programs, and root that of the repository.
var bin, root string

// state is the cluster's folder.
var state string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	bin = os.Getenv("UPI_CLUSTER_BIN")
	if bin == "" {
		fmt.Println("UPI_CLUSTER_BIN is not set: the tests on a Flink cluster are skipped (make test-cluster runs them)")
		return 0
	}
	var err error
	if root, err = filepath.Abs("../.."); err != nil {
		panic(err)
	}
	if state, err = os.MkdirTemp("", "upi-flink"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(state)
	if out, err := cluster("start").CombinedOutput(); err != nil {
		fmt.Printf("start the cluster: %v\n%s", err, out)
		cluster("stop").Run()
		return 1
	}
	code := m.Run()
	if out, err := cluster("stop").CombinedOutput(); err != nil {
		fmt.Printf("stop the cluster: %v\n%s", err, out)
		code = 1
	}
	if left := processes(state); len(left) > 0 {
		fmt.Printf("left after the cluster's end: %v\n", left)
		code = 1
	}
	if left := listening(); len(left) > 0 {
		fmt.Printf("ports that are still listened on: %v\n", left)
		code = 1
	}
	return code
}

func cluster(command string, args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(root, "beam/flink/cluster.sh"), append([]string{command, state}, args...)...)
}

// processes lists the process ids of those whose command line holds a text.
func processes(text string) []string {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var pids []string
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if pid := strings.Split(path, "/")[2]; err == nil && pid != fmt.Sprint(os.Getpid()) && strings.Contains(string(line), text) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// listening lists those of the cluster's ports that somebody listens on.
func listening() []string {
	var ports []string
	for _, name := range []string{"rest", "endpoint"} {
		text, err := os.ReadFile(filepath.Join(state, name))
		if err != nil {
			continue
		}
		port := text[strings.LastIndexByte(string(text), ':')+1:]
		table, _ := os.ReadFile("/proc/net/tcp")
		var number int
		fmt.Sscan(string(port), &number)
		if strings.Contains(string(table), fmt.Sprintf(":%04X 00000000:0000 0A", number)) {
			ports = append(ports, string(port))
		}
	}
	return ports
}

// await waits until something has come true, for six minutes at most: on a busy machine a job takes minutes to start.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(6 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// taskManager starts a TaskManager anew, after its process has been killed, under a command if there is one.
func taskManager(t *testing.T, number string, under ...string) {
	t.Helper()
	if out, err := cluster("taskmanager", append([]string{number}, under...)...).CombinedOutput(); err != nil {
		t.Fatalf("start a TaskManager: %v\n%s", err, out)
	}
}

// taskManagers are the processes of a TaskManager.
func taskManagers(number string) []string {
	return processes("taskmanager.resource-id=machine-" + number)
}

// killTaskManager kills the Java process of a TaskManager: what the cluster has started, or its child.
func killTaskManager(t *testing.T, number string) {
	t.Helper()
	pids := taskManagers(number)
	if len(pids) == 0 {
		t.Fatalf("there is no TaskManager %s", number)
	}
	for _, pid := range pids {
		kill(t, pid)
	}
	await(t, "the TaskManager's end", func() bool { return len(taskManagers(number)) == 0 })
}

func kill(t *testing.T, pid string) {
	t.Helper()
	if out, err := exec.Command("kill", "-9", pid).CombinedOutput(); err != nil {
		t.Logf("kill %s: %v %s", pid, err, out)
	}
}
