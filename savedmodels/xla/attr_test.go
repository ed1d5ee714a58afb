package xla

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestFields reads dimension numbers in both forms in which protocol buffers write a list.
func TestFields(t *testing.T) {
	message := protowire.AppendTag(nil, 1, protowire.BytesType)
	message = protowire.AppendBytes(message, protowire.AppendVarint(protowire.AppendVarint(nil, 3), 300))
	for _, v := range []uint64{2, 0} {
		message = protowire.AppendVarint(protowire.AppendTag(message, 12, protowire.VarintType), v)
	}
	f, err := fields(message)
	if err != nil || !slices.Equal(f[1], []int64{3, 300}) || !slices.Equal(f[12], []int64{2, 0}) ||
		one(f[4]) != 0 || one(f[12]) != 2 {
		t.Errorf("got %v, %v", f, err)
	}
	for name, bad := range map[string][]byte{
		"cut off":         message[:len(message)-1],
		"a list cut off":  {1<<3 | 2, 2, 3},
		"a broken number": {1<<3 | 2, 1, 0x80},
		"another type":    protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), 1),
		"no tag":          {0x80},
	} {
		if _, err := fields(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestInverse undoes a permutation.
func TestInverse(t *testing.T) {
	if got := inverse([]int64{2, 0, 3, 1}); !slices.Equal(got, []int64{1, 3, 0, 2}) {
		t.Errorf("got %v", got)
	}
}
