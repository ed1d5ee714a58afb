package test

import (
	"os/exec"
	"testing"

	"upi/internal/pythontest"
)

// TestPhotographs: crops of photographs, and intervals that count photographs, are what can be worked out by hand.
func TestPhotographs(t *testing.T) {
	cmd := exec.Command(pythontest.Interpreter(t), "test/testdata/photographs.py")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
