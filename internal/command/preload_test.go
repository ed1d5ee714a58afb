package command

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestPreload: a shell's program has TensorFlow's environment from its start, without being started anew, and what the user says counts.
// The test starts itself.
func TestPreload(t *testing.T) {
	const name = "TF_CPP_MIN_LOG_LEVEL"
	if os.Getenv("UPI_PRELOADED") != "" {
		value, there := os.LookupEnv(name)
		os.Stdout.WriteString(value + "\n")
		if there && settled(false) != nil {
			t.Error("the program would be started anew")
		}
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the environment is set on Linux alone")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		environment []string
		want        string
	}{
		{[]string{"A=b", "_=/bin/upi", "Z=y"}, "2"},
		{[]string{name + "=1", "_=/bin/upi"}, "1"},
		{[]string{name + "=", "_=/bin/upi"}, ""},
		{[]string{"A=b"}, ""}, // no room: restart.go's business
	} {
		cmd := exec.Command(self, "-test.run=^TestPreload$")
		cmd.Env = append([]string{"UPI_PRELOADED=1", "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH")}, c.environment...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", c.environment, err, out)
		}
		if got, _, _ := strings.Cut(string(out), "\n"); got != c.want {
			t.Errorf("%v: got %q, want %q", c.environment, got, c.want)
		}
	}
}
