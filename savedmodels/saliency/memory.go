package saliency

import "upi/savedmodels/runtime"

// BatchBytes estimates the memory that one batch takes while the program runs, constants not counted: the largest total size
// of the tensors that are alive at once when the operations run in the order in which they were added, with a half on top
// for what kernels need besides.
func (p *program) BatchBytes() int64 {
	g := p.network.graph
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
