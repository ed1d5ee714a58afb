// Package random provides counter-based streams of random numbers.
//
// A [Stream] is a pure function of (seed, purpose, image id, draw), so the numbers that an image sees do not depend on the
// batch, the shard, the worker or the point of resumption at which they are asked for.
//
// # Reproducing the numbers elsewhere
//
// The generator is ChaCha8 as specified in https://c2sp.org/chacha8rand (Go's math/rand/v2.ChaCha8), whose 32-byte key is
// four little-endian 64-bit words: the seed, the FNV-1a 64-bit hash of the purpose's UTF-8 bytes, the image id and the draw;
// negative numbers in two's complement. From its 64-bit outputs u, in order:
//
//   - a uniform number in [0, 1) is (u >> 11) / 2^53;
//   - normal numbers come in pairs by Box and Muller (1958) from the uniform numbers a and b:
//     r = sqrt(-2 ln(1-a)), then r cos(2 pi b) and r sin(2 pi b), the second dropped at an odd end;
//   - an index below n is the high word of the 128-bit product u * n.
//
// All arithmetic is in float64, rounded to float32 at the end. python/reference_math.py holds a second implementation.
package random

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
)

// Stream is a sequence of random numbers, made by [New]. Its methods move it forward, so it is not safe for concurrent
// use. A Stream is about 300 bytes and takes less than a microsecond to make: make one per image and draw.
type Stream struct {
	source rand.ChaCha8
}

// New returns the stream of the given key, at its start. Streams whose keys differ in any part are independent.
// Purpose names what the numbers are for ("smoothing", "start"), so that two uses of one image never share numbers.
func New(seed int64, purpose string, id, draw int64) *Stream {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], uint64(seed))
	binary.LittleEndian.PutUint64(key[8:], fnv1a(purpose))
	binary.LittleEndian.PutUint64(key[16:], uint64(id))
	binary.LittleEndian.PutUint64(key[24:], uint64(draw))
	s := new(Stream)
	s.source.Seed(key)
	return s
}

// fnv1a repeats hash/fnv without the allocation of its hash.Hash64.
func fnv1a(text string) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(text) {
		hash ^= uint64(text[i])
		hash *= 1099511628211
	}
	return hash
}

// Uint64 returns the next 64 random bits. With it a *Stream is a math/rand/v2 Source.
func (s *Stream) Uint64() uint64 { return s.source.Uint64() }

// Float64 returns the next uniform number in [0, 1).
func (s *Stream) Float64() float64 { return float64(s.source.Uint64()>>11) / (1 << 53) }

// Index returns the next uniform index in [0, n), and 0 where n < 1. Its bias is below n / 2^64.
func (s *Stream) Index(n int) int {
	if n < 1 {
		return 0
	}
	high, _ := bits.Mul64(s.source.Uint64(), uint64(n))
	return int(high)
}

// Perm returns a uniform permutation of 0..n-1 by Fisher and Yates: for i from n-1 down to 1 the entries i and Index(i+1)
// change places.
func (s *Stream) Perm(n int) []int {
	order := make([]int, max(n, 0))
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.Index(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// pair returns the next two independent standard normal numbers.
func (s *Stream) pair() (float64, float64) {
	radius := math.Sqrt(-2 * math.Log(1-s.Float64()))
	sine, cosine := math.Sincos(2 * math.Pi * s.Float64())
	return radius * cosine, radius * sine
}
