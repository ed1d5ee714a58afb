package xla

import (
	"errors"
	"slices"
	"strings"

	"upi/savedmodels/graphdef"
)

// dot writes DotGeneral as an Einsum: the axes of the result are the batch axes, then what is left of the left operand, then
// of the right.
func dot(b *builder, n *graphdef.Node) (tensor, error) {
	f, err := fields(n.Attr["dimension_numbers"].GetS())
	if err != nil {
		return tensor{}, err
	}
	x, y := n.Inputs[0], n.Inputs[1]
	left, right := b.infer.Shape(x), b.infer.Shape(y)
	if left == nil || right == nil {
		return tensor{}, errors.New("the ranks of its operands are not known")
	}
	const letters = "abcdefghijklmnopqrstuvwxyz"
	if len(left)+len(right) > len(letters) {
		return tensor{}, errors.New("it has too many axes")
	}
	l, r := strings.Split(letters[:len(left)], ""), strings.Split(letters[len(left):len(left)+len(right)], "")
	pair := func(a, b []int64) error {
		if len(a) != len(b) {
			return errors.New("its operands do not fit each other")
		}
		for i := range a {
			if a[i] < 0 || b[i] < 0 || int(a[i]) >= len(l) || int(b[i]) >= len(r) {
				return errors.New("its operands do not fit each other")
			}
			r[b[i]] = l[a[i]]
		}
		return nil
	}
	if err := errors.Join(pair(f[1], f[2]), pair(f[3], f[4])); err != nil {
		return tensor{}, err
	}
	var out []string
	for _, axis := range f[3] {
		out = append(out, l[axis])
	}
	rest := func(labels []string, contracted, batch []int64) {
		for i, label := range labels {
			if !slices.Contains(contracted, int64(i)) && !slices.Contains(batch, int64(i)) {
				out = append(out, label)
			}
		}
	}
	rest(l, f[1], f[3])
	rest(r, f[2], f[4])
	x, y, t := b.operands(n, x, y)
	product := b.einsum(strings.Join(l, "")+","+strings.Join(r, "")+"->"+strings.Join(out, ""), t, x, y)
	return product, nil
}
