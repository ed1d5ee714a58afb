package saliency

import "upi/savedmodels/runtime"

// operationBytes is what one operation of a graph takes in TensorFlow: about 7 KiB in the graph and 11 KiB in the session that
// runs it, measured on the 12,488 operations of an LSTM over 100 rows.
const operationBytes = 18 << 10

// GraphBytes estimates the memory of the program's graph, whatever its batch and without the constants, and of weights that are held
// once more for it.
func (p *program) GraphBytes() int64 {
	return operationBytes*int64(len(p.network.Graph().Operations())) + p.network.extra
}

// BatchBytes estimates the memory that one batch takes while the program runs, constants not counted: the largest total size
// of the tensors that are alive at once when the operations run in the order in which they were added, with a half on top
// for what kernels need besides.
func (p *program) BatchBytes() int64 {
	g := p.network.Graph()
	operations := g.Operations()
	position := make(map[string]int, len(operations))
	for i := range operations {
		position[operations[i].Name()] = i
	}
	freed := make([]int64, len(operations)+1)
	var alive, largest int64
	for i := range operations {
		for k := range operations[i].NumOutputs() {
			output := operations[i].Output(k)
			bytes := runtime.Bytes(output)
			if bytes == 0 || operations[i].Type() == "Const" {
				continue
			}
			last := i
			for _, c := range output.Consumers() {
				last = max(last, position[c.Op.Name()])
			}
			alive += bytes
			freed[last] += bytes
		}
		largest = max(largest, alive)
		alive -= freed[i]
	}
	return largest + largest/2
}
