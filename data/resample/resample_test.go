package resample

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// formula is the picture of the same name in python/make_pictures.py.
func formula(height, width, channels int, seed uint32) Picture {
	x, out := seed, make([]byte, height*width*channels)
	for i := range out {
		x = x*1664525 + 1013904223
		y, rest := i/(width*channels), i%(width*channels)
		if out[i] = byte(x >> 24); seed%2 == 1 {
			out[i] = byte(uint32(y*5+rest/channels*3+rest%channels*60)/2 + x>>26)
		}
	}
	return Picture{height, width, channels, out}
}

// TestLikePillow compares with the digests of what Pillow 13.0 makes of pictures of random sizes (python/make_pictures.py).
func TestLikePillow(t *testing.T) {
	file, err := os.Open("testdata/pillow.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); rows++ {
		var row struct {
			From   [3]int
			To     [2]int
			Filter string
			Seed   uint32
			SHA256 string
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		f, err := Parse(row.Filter)
		if err != nil {
			t.Fatal(err)
		}
		got := Resize(formula(row.From[0], row.From[1], row.From[2], row.Seed), row.To[0], row.To[1], f)
		if sum := sha256.Sum256(got.Bytes); hex.EncodeToString(sum[:]) != row.SHA256 {
			t.Errorf("%v to %v by %s differs from Pillow's", row.From, row.To, row.Filter)
		}
	}
	if rows != 240 {
		t.Errorf("%d cases", rows)
	}
}

// TestPartIsCutFromTheWhole: computing a part gives what cutting it out gives.
func TestPartIsCutFromTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 30)
		p := formula(size.Draw(t, "h"), size.Draw(t, "w"), rapid.SampledFrom([]int{1, 3}).Draw(t, "c"), rapid.Uint32().Draw(t,
			"seed"))
		f := Filter(rapid.IntRange(0, 3).Draw(t, "filter"))
		toH, toW := size.Draw(t, "to h"), size.Draw(t, "to w")
		top, left := rapid.IntRange(0, toH-1).Draw(t, "top"), rapid.IntRange(0, toW-1).Draw(t, "left")
		h, w := rapid.IntRange(1, toH-top).Draw(t, "part h"), rapid.IntRange(1, toW-left).Draw(t, "part w")
		whole, part := Resize(p, toH, toW, f), Part(p, toH, toW, f, top, left, h, w)
		for y := range h {
			want := whole.Bytes[((top+y)*toW+left)*p.Channels:][:w*p.Channels]
			if got := part.Bytes[y*w*p.Channels:][:w*p.Channels]; !bytes.Equal(got, want) {
				t.Fatalf("line %d is %v, the whole has %v", y, got, want)
			}
		}
	})
}
