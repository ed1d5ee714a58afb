package beam

import (
	"runtime"
	"strings"
	"testing"
)

// TestSlots: a worker of a cluster has a slot for each core, but no more than the run's workers; the environment says otherwise.
func TestSlots(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	for _, c := range []struct {
		cluster  bool
		workers  int
		variable string
		want     int
	}{
		{false, 64, "", 64},
		{true, 1, "", 1},
		{true, cores + 8, "", cores},
		{true, cores + 8, "1", 1},
		{true, cores + 8, "0", 0},
		{true, 4, "5", 0},
		{true, 4, "four", 0},
	} {
		t.Setenv(slotsVariable, c.variable)
		got, err := (&Job{Cluster: c.cluster, Workers: c.workers}).Slots()
		if got != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), slotsVariable) || !strings.Contains(err.Error(), c.variable)) {
			t.Errorf("%+v: the error does not say what is wrong: %v", c, err)
		}
	}
}
