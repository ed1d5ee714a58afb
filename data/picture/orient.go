package picture

// swaps tells whether a picture's height becomes its width.
func (o orientation) swaps() bool { return o >= 5 && o <= 8 }

// apply turns a picture as its orientation asks for.
func (o orientation) apply(p Pixels) Pixels {
	if o < 2 || o > 8 {
		return p
	}
	h, w, c := p.Shape[0], p.Shape[1], p.Shape[2]
	toH, toW := h, w
	if o.swaps() {
		toH, toW = w, h
	}
	out := make([]byte, 0, len(p.Bytes))
	for y := range toH {
		// Along a line of the result the place in the picture moves by step.
		fromY, fromX := o.from(y, 0, h, w)
		nextY, nextX := o.from(y, 1, h, w)
		at, step := (fromY*w+fromX)*c, ((nextY-fromY)*w+nextX-fromX)*c
		for range toW {
			out = append(out, p.Bytes[at:at+c]...)
			at += step
		}
	}
	return Pixels{[3]int{toH, toW, c}, out}
}

// from is the place, in a picture of h x w, of what is seen at (y, x).
func (o orientation) from(y, x, h, w int) (int, int) {
	switch o {
	case 2: // mirrored left to right
		return y, w - 1 - x
	case 3: // upside down
		return h - 1 - y, w - 1 - x
	case 4: // mirrored top to bottom
		return h - 1 - y, x
	case 5: // mirrored along the main diagonal
		return x, y
	case 6: // to be turned clockwise
		return h - 1 - x, y
	case 7: // mirrored along the other diagonal
		return h - 1 - x, w - 1 - y
	case 8: // to be turned anticlockwise
		return x, w - 1 - y
	}
	return y, x
}
