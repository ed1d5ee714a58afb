package metric

import "math"

func normalizedL2(in *Inputs, _ *scratch) float64 {
	difference, norm := 0.0, 0.0
	for i, v := range in.Clean {
		clean := float64(v)
		d := clean - float64(in.Perturbed[i])
		difference += d * d
		norm += clean * clean
	}
	if norm == 0 {
		return math.NaN()
	}
	return math.Sqrt(difference / norm)
}

func cosine(in *Inputs, _ *scratch) float64 {
	product, clean, perturbed := 0.0, 0.0, 0.0
	for i, v := range in.Clean {
		a, b := float64(v), float64(in.Perturbed[i])
		product += a * b
		clean += a * a
		perturbed += b * b
	}
	return correlation(product, clean, perturbed)
}

// correlation returns product over the root of the two sums of squares, kept within -1..1 against rounding, and NaN where
// a sum of squares is 0.
func correlation(product, squares1, squares2 float64) float64 {
	if squares1 == 0 || squares2 == 0 {
		return math.NaN()
	}
	return min(max(product/(math.Sqrt(squares1)*math.Sqrt(squares2)), -1), 1)
}

func centerShift(in *Inputs, _ *scratch) float64 {
	cleanRow, cleanColumn := center(in.Clean, in.Width)
	row, column := center(in.Perturbed, in.Width)
	return math.Hypot(cleanRow-row, cleanColumn-column)
}

// center returns the centre of mass as row and column, or NaNs where the mass is 0.
func center(mass []float32, width int) (row, column float64) {
	total := 0.0
	for start := 0; start < len(mass); start += width {
		inRow := 0.0
		for i, v := range mass[start : start+width] {
			inRow += float64(v)
			column += float64(i) * float64(v)
		}
		total += inRow
		row += float64(start/width) * inRow
	}
	if total == 0 {
		return math.NaN(), math.NaN()
	}
	return row / total, column / total
}
