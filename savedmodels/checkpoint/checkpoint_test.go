package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

const (
	// Written by TensorFlow: python/make_models_testdata.py. Its values are compared with Python's in savedmodels' TestParity.
	variables = "../testdata/module/variables/variables"
	kernel    = "kernel/.ATTRIBUTES/VARIABLE_VALUE"
)

func TestRead(t *testing.T) {
	c, err := Open(variables)
	if err != nil {
		t.Fatal(err)
	}
	value, err := c.Read(kernel)
	if err != nil {
		t.Fatal(err)
	}
	if value.DType != types_go_proto.DataType_DT_FLOAT || !slices.Equal(value.Shape, []int64{32, 3}) || len(value.Bytes) != 4*96 {
		t.Errorf("%v %v, %d bytes", value.DType, value.Shape, len(value.Bytes))
	}
	if key, err := c.KeyOf([]string{"kernel"}); key != kernel || err != nil {
		t.Errorf("key %q, error %v", key, err)
	}
	for _, path := range [][]string{nil, {"weights"}, {"kernel", "kernel"}} {
		if _, err := c.KeyOf(path); err == nil {
			t.Errorf("no error for path %v", path)
		}
	}
	if _, err := c.Read("no such variable"); err == nil || !strings.Contains(err.Error(), "no such variable") {
		t.Errorf("error %v", err)
	}
	if _, err := c.Read(objectGraphKey); err == nil {
		t.Error("read a string as a variable")
	}
}

// TestDamage flips every byte of the index and of the data: the value is then refused or, if the byte belongs to something
// else, the same as before.
func TestDamage(t *testing.T) {
	c, err := Open(variables)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := c.Read(kernel)
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "variables")
	suffixes := []string{".index", ".data-00000-of-00001"}
	contents := map[string][]byte{}
	for _, suffix := range suffixes {
		if contents[suffix], err = os.ReadFile(variables + suffix); err != nil {
			t.Fatal(err)
		}
	}
	check := func(suffix string, damaged []byte, i int) {
		for _, s := range suffixes {
			content := contents[s]
			if s == suffix {
				content = damaged
			}
			if err := os.WriteFile(prefix+s, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Open(prefix)
		if err != nil {
			return
		}
		value, err := c.Read(kernel)
		if err == nil && (!bytes.Equal(value.Bytes, whole.Bytes) || !slices.Equal(value.Shape, whole.Shape)) {
			t.Errorf("%s damaged at %d is read as something else", suffix, i)
		}
	}
	for _, suffix := range suffixes {
		content := contents[suffix]
		for i := range content {
			damaged := slices.Clone(content)
			damaged[i] ^= 0xff
			check(suffix, damaged, i)
			if i%16 == 0 {
				check(suffix, content[:i], i)
			}
		}
	}
}

func TestFits(t *testing.T) {
	tests := []struct {
		bytes int64
		shape []int64
		want  bool
	}{
		{4, nil, true},
		{24, []int64{2, 3}, true},
		{0, []int64{2, 0}, true},
		{4, []int64{2, 0}, false},
		{0, []int64{2, 3}, false},
		{28, []int64{2, 3}, false},
		{24, []int64{-2, -3}, false},
		{0, []int64{1 << 62, 1 << 62}, false},
	}
	for _, test := range tests {
		if got := fits(test.bytes, 4, test.shape); got != test.want {
			t.Errorf("fits(%d, 4, %v) = %v", test.bytes, test.shape, got)
		}
	}
}

// FuzzIndex feeds damaged indexes to the reader, which may refuse, but not panic.
func FuzzIndex(f *testing.F) {
	content, err := os.ReadFile(variables + ".index")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Fuzz(func(_ *testing.T, content []byte) {
		c, err := parseIndex(content)
		if err != nil {
			return
		}
		for key := range c.values {
			_, _ = c.entry(key)
		}
	})
}
