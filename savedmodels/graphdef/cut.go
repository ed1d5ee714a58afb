package graphdef

// A cut is what a slice takes of its input's dimensions.
type cut struct {
	last                   []int // the elements of the last dimension that it takes
	lastWhole, othersWhole bool  // nothing is left out, nor its order changed
}

// cutOf reads a Slice, StridedSlice or GatherV2 whose operands are constants.
func cutOf(n *Node, from []int64) (cut, bool) {
	if len(from) == 0 {
		return cut{}, false
	}
	var taken [][]int
	var dropped []bool
	var ok bool
	switch n.Op {
	case "Slice":
		taken, ok = sliceTakes(n, from)
	case "StridedSlice":
		taken, dropped, ok = stridedTakes(n, from)
	case "GatherV2":
		taken, ok = gatherTakes(n, from)
	}
	if !ok {
		return cut{}, false
	}
	c := cut{last: taken[len(from)-1], lastWhole: true, othersWhole: true}
	for d, list := range taken {
		whole := len(list) == int(from[d]) && (dropped == nil || !dropped[d])
		for i, v := range list {
			whole = whole && i == v
		}
		if d == len(from)-1 {
			c.lastWhole = whole
		} else {
			c.othersWhole = c.othersWhole && whole
		}
	}
	return c, true
}

func sliceTakes(n *Node, from []int64) ([][]int, bool) {
	begin, known := n.Inputs[1].Ints()
	size, known2 := n.Inputs[2].Ints()
	if !known || !known2 || len(begin) != len(from) || len(size) != len(from) {
		return nil, false
	}
	taken := make([][]int, len(from))
	for d := range from {
		end := begin[d] + size[d]
		if size[d] < 0 {
			end = from[d]
		}
		if begin[d] < 0 || end > from[d] {
			return nil, false
		}
		for i := begin[d]; i < end; i++ {
			taken[d] = append(taken[d], int(i))
		}
	}
	return taken, true
}

// stridedTakes also says which dimensions are dropped since one element of them is taken.
func stridedTakes(n *Node, from []int64) (taken [][]int, dropped []bool, ok bool) {
	begin, known := n.Inputs[1].Ints()
	end, known2 := n.Inputs[2].Ints()
	stride, known3 := n.Inputs[3].Ints()
	if !known || !known2 || !known3 || len(end) != len(begin) || len(stride) != len(begin) || n.Attr["new_axis_mask"].GetI() != 0 {
		return nil, nil, false
	}
	bit := func(mask string, i int) bool { return n.Attr[mask].GetI()>>i&1 == 1 }
	for i := range begin {
		if bit("ellipsis_mask", i) {
			for range len(from) - (len(begin) - 1) {
				taken, dropped = append(taken, upTo(from[len(taken)])), append(dropped, false)
			}
			continue
		}
		if len(taken) == len(from) || stride[i] == 0 {
			return nil, nil, false
		}
		size := from[len(taken)]
		lo, hi := begin[i], end[i]
		if lo < 0 {
			lo += size
		}
		if hi < 0 {
			hi += size
		}
		switch {
		case bit("shrink_axis_mask", i):
			if lo < 0 || lo >= size {
				return nil, nil, false
			}
			taken, dropped = append(taken, []int{int(lo)}), append(dropped, true)
			continue
		case stride[i] > 0:
			if lo = max(lo, 0); bit("begin_mask", i) {
				lo = 0
			}
			if hi = min(hi, size); bit("end_mask", i) {
				hi = size
			}
		default:
			if lo = min(lo, size-1); bit("begin_mask", i) {
				lo = size - 1
			}
			if hi = max(hi, -1); bit("end_mask", i) {
				hi = -1
			}
		}
		var list []int
		for k := lo; stride[i] > 0 && k < hi || stride[i] < 0 && k > hi; k += stride[i] {
			list = append(list, int(k))
		}
		taken, dropped = append(taken, list), append(dropped, false)
	}
	for len(taken) < len(from) {
		taken, dropped = append(taken, upTo(from[len(taken)])), append(dropped, false)
	}
	return taken, dropped, true
}

func gatherTakes(n *Node, from []int64) ([][]int, bool) {
	axis, known := n.Inputs[2].Ints()
	if !known || len(axis) != 1 || n.Attr["batch_dims"].GetI() != 0 {
		return nil, false
	}
	d := int(axis[0])
	if d < 0 {
		d += len(from)
	}
	indices, known := integers(n.Inputs[1])
	if !known || d < 0 || d >= len(from) {
		return nil, false
	}
	taken := make([][]int, len(from))
	for k := range from {
		taken[k] = upTo(from[k])
	}
	taken[d] = nil
	for _, i := range indices {
		if i < 0 || i >= from[d] {
			return nil, false
		}
		taken[d] = append(taken[d], int(i))
	}
	return taken, true
}
