// Package resample scales pictures of 8 bits per channel as Image.resize of Pillow 13 does, equal to it to the bit: in two
// passes, one along the lines and one along the columns, each in fixed-point numbers and rounded to 8 bits.
//
// The pass along the lines comes first unless the picture loses more than twice as many lines as columns. Pillow up to 12 never
// made that exception; there the results differ, by 1 to 3 levels, at up to a fifth of the pixels.
package resample

import "math"

// fraction is the number of binary places of a weight: 8 of 32 bits hold a pixel, and 2 are left for sums beyond its range.
const fraction = 32 - 8 - 2

// A Picture is height x width x channels bytes, row-major.
type Picture struct {
	Height, Width, Channels int
	Bytes                   []byte
}

// Resize scales a picture to height x width, both at least 1. The result shares no memory with p.
func Resize(p Picture, height, width int, f Filter) Picture {
	return Part(p, height, width, f, 0, 0, height, width)
}

// Part is the part of Resize(p, toHeight, toWidth, f) that begins at (top, left) and is height x width large. The rest is not
// computed.
func Part(p Picture, toHeight, toWidth int, f Filter, top, left, height, width int) Picture {
	columns := newWindows(p.Width, toWidth, f, left, width)
	rows := newWindows(p.Height, toHeight, f, top, height)
	if linesLast := toHeight < p.Height && p.Height-toHeight > 2*(p.Width-toWidth); linesLast {
		return horizontal(vertical(p, rows), columns)
	}
	// Lines that no row of the part needs are not scaled.
	first, last := rows[0].first, rows[height-1]
	p.Bytes = p.Bytes[first*p.Width*p.Channels : (last.first+len(last.weights))*p.Width*p.Channels]
	p.Height = last.first + len(last.weights) - first
	for i := range rows {
		rows[i].first -= first
	}
	return vertical(horizontal(p, columns), rows)
}

// A window is the run of pixels that one pixel of the result is made of, and their weights, which sum to 1: a single one is 1.
type window struct {
	first   int
	weights []int32
}

// newWindows are n windows from the given first one, of those that scale a line of from pixels to one of to.
func newWindows(from, to int, f Filter, first, n int) []window {
	if f == Nearest {
		return nearest(from, to, first, n)
	}
	windows := make([]window, n)
	if from == to {
		for i := range windows {
			windows[i] = whole(first + i)
		}
		return windows
	}
	kernel := kernels[f]
	scale := float64(from) / float64(to)
	// A picture that shrinks is smoothed over as many pixels as become one.
	stretch := max(scale, 1)
	support := float64(kernel.support * stretch)
	var weights []float64
	for i := range windows {
		centre := float64((float64(first+i) + 0.5) * scale)
		begin := max(int(centre-support+0.5), 0)
		end := min(int(centre+support+0.5), from)
		weights = weights[:0]
		sum := 0.0
		for x := begin; x < end; x++ {
			w := kernel.weight(float64((float64(x) - centre + 0.5) * (1 / stretch)))
			weights = append(weights, w)
			sum += w
		}
		windows[i] = window{begin, fixed(weights, sum)}
	}
	return windows
}

// whole is the window of one pixel that stays as it is.
func whole(at int) window { return window{at, []int32{1 << fraction}} }

// add4 adds four weighted lines to sums at once.
func add4(sums []int32, lines []byte, weights []int32) {
	n := len(sums)
	a, b, c, d := lines[:n], lines[n:][:n], lines[2*n:][:n], lines[3*n:][:n]
	ka, kb, kc, kd := weights[0], weights[1], weights[2], weights[3]
	for i := range sums {
		sums[i] += ka*int32(a[i]) + kb*int32(b[i]) + kc*int32(c[i]) + kd*int32(d[i])
	}
}

// nearest are windows of the one pixel in which the middle of the new one lies. Places are sums of steps, rounded as Pillow
// rounds them.
func nearest(from, to, first, n int) []window {
	windows := make([]window, 0, n)
	step := float64(from) / float64(to)
	at := step * 0.5
	for i := range first + n {
		if i >= first {
			windows = append(windows, whole(min(int(at), from-1)))
		}
		at += step
	}
	return windows
}

// fixed are the weights divided by their sum, in fixed-point numbers.
func fixed(weights []float64, sum float64) []int32 {
	out := make([]int32, len(weights))
	for i, w := range weights {
		if sum != 0 {
			w /= sum
		}
		out[i] = int32(float64(w*(1<<fraction)) + math.Copysign(0.5, w))
	}
	return out
}

// half is added to a sum so that it is rounded, not cut.
const half = 1 << (fraction - 1)

func clip(sum int32) byte {
	v := sum >> fraction
	if uint32(v) > 255 { // rare: only sharp filters leave the range
		return byte(^(v >> 31))
	}
	return byte(v)
}

// horizontal scales lines.
func horizontal(p Picture, windows []window) Picture {
	out := make([]byte, 0, p.Height*len(windows)*p.Channels)
	single := true
	for _, w := range windows {
		single = single && len(w.weights) == 1
	}
	for y := range p.Height {
		line := p.Bytes[y*p.Width*p.Channels:][:p.Width*p.Channels]
		switch {
		case single:
			for _, w := range windows {
				out = append(out, line[w.first*p.Channels:][:p.Channels]...)
			}
		case p.Channels == 3:
			out = out[:len(out)+3*len(windows)]
			line3(out[len(out)-3*len(windows):], line, windows)
		default:
			for _, w := range windows {
				for c := range p.Channels {
					sum, at := int32(half), w.first*p.Channels+c
					for _, k := range w.weights {
						sum += k * int32(line[at])
						at += p.Channels
					}
					out = append(out, clip(sum))
				}
			}
		}
	}
	return Picture{p.Height, len(windows), p.Channels, out}
}

// line3 is a line of three channels, whose sums are made side by side.
func line3(out, line []byte, windows []window) {
	for _, w := range windows {
		r, g, b := int32(half), int32(half), int32(half)
		part := line[3*w.first:][:3*len(w.weights)]
		for _, k := range w.weights {
			if len(part) < 3 { // never: it spares the checks below
				break
			}
			r += k * int32(part[0])
			g += k * int32(part[1])
			b += k * int32(part[2])
			part = part[3:]
		}
		out[0], out[1], out[2] = clip(r), clip(g), clip(b)
		out = out[3:]
	}
}

// vertical scales columns.
func vertical(p Picture, windows []window) Picture {
	stride := p.Width * p.Channels
	out := make([]byte, 0, stride*len(windows))
	sums := make([]int32, stride)
	for _, w := range windows {
		if len(w.weights) == 1 {
			out = append(out, p.Bytes[w.first*stride:][:stride]...)
			continue
		}
		for i := range sums {
			sums[i] = half
		}
		lines, weights := p.Bytes[w.first*stride:], w.weights
		for ; len(weights) >= 4; weights, lines = weights[4:], lines[4*stride:] {
			add4(sums, lines, weights)
		}
		for _, k := range weights {
			for i, v := range lines[:len(sums)] {
				sums[i] += k * int32(v)
			}
			lines = lines[stride:]
		}
		out = out[:len(out)+stride]
		line := out[len(out)-stride:]
		for i, sum := range sums {
			line[i] = clip(sum)
		}
	}
	return Picture{len(windows), p.Width, p.Channels, out}
}
