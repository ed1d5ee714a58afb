package projection_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"upi/projection"
)

func TestEpsText(t *testing.T) {
	cases := []struct {
		text  string
		want  float64
		error string
	}{
		{"510", 510, ""},
		{" 7.5 ", 7.5, ""},
		{"0", 0, ""},
		{"1e2", 100, ""},
		{"8/255", 8, ""},
		{"16 / 255", 16, ""},
		{"1/10", 25.5, ""},
		{"0.5/1", 127.5, ""},
		{"", 0, "write pixel units"},
		{"eight", 0, "write pixel units"},
		{"8/", 0, "divisor"},
		{"8/0", 0, "divisor"},
		{"8/-255", 0, "divisor"},
		{"8/255/2", 0, "divisor"},
		{"-1", 0, "not negative"},
		{"NaN", 0, "finite"},
		{"inf", 0, "finite"},
		{"1/NaN", 0, "divisor"},
		{"1/1e-320", 0, "finite"},
	}
	for _, c := range cases {
		got, err := projection.ParseEps(c.text)
		if c.error == "" {
			if err != nil || float64(got) != c.want {
				t.Errorf("%q: got %v, %v, want %v", c.text, got, err, c.want)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.error) {
			t.Errorf("%q: error %v, want %q in it", c.text, err, c.error)
		}
	}
}

func TestTextInJSON(t *testing.T) {
	type config struct {
		Eps      []projection.Eps
		Norm     projection.Norm
		Schedule projection.Schedule
	}
	var c config
	if err := json.Unmarshal([]byte(`{"Eps": [510, "8/255", null], "Norm": "linf", "Schedule": "cosine"}`), &c); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Eps":[510,8,0],"Norm":"linf","Schedule":"cosine"}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	bad := map[string]string{
		`{"Eps": ["x"]}`:         "pixel units",
		`{"Eps": [true]}`:        "pixel units",
		`{"Norm": "l1"}`:         "l2, linf",
		`{"Schedule": "slow"}`:   "constant, linear, cosine, sqrt",
		`{"Eps": [{"n": 8}]}`:    "pixel units",
		`{"Norm": "L2"}`:         "l2, linf",
		`{"Schedule": "CoSine"}`: "cosine",
	}
	for text, want := range bad {
		if err := json.Unmarshal([]byte(text), &c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		}
	}
	if _, err := json.Marshal(projection.Norm(7)); err == nil {
		t.Error("a norm that does not exist was written")
	}
}

func TestScheduleFactors(t *testing.T) {
	want := map[projection.Schedule][]float64{
		"":         {1, 1, 1, 1},
		"constant": {1, 1, 1, 1},
		"linear":   {1, 0.75, 0.5, 0.25},
		"cosine":   {1, (1 + math.Sqrt2/2) / 2, 0.5, (1 - math.Sqrt2/2) / 2},
		"sqrt":     {1, 1 / math.Sqrt2, 1 / math.Sqrt(3), 0.5},
	}
	for schedule, factors := range want {
		for step, factor := range factors {
			if got := schedule.Factor(step, len(factors)); math.Abs(got-factor) > 1e-15 {
				t.Errorf("%q: step %d has the factor %v, want %v", schedule, step, got, factor)
			}
		}
	}
	for _, name := range projection.Schedules() {
		for _, step := range []int{-5, 0, 99, 100, 1000} {
			if f := projection.Schedule(name).Factor(step, 100); !(f >= 0 && f <= 1) {
				t.Errorf("%s: step %d of 100 has the factor %v", name, step, f)
			}
		}
		if f := projection.Schedule(name).Factor(0, 0); f != 1 {
			t.Errorf("%s: an ascent of no steps starts at the factor %v", name, f)
		}
	}
}
