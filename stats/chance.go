package stats

import "math"

// NearChance says whether a share of right answers of n is that of who knows no image: not above chance (0..1) by more than 3 standard
// errors, or under twice chance. Where chance is a large share, as that of two classes, the second means under a tenth of the way from
// chance to 1. Of fewer than 10 answers, and of answers that are all right, nothing is said.
func NearChance(right, n int, chance float64) bool {
	if n < 10 || right == n {
		return false
	}
	share := float64(right) / float64(n)
	stdErr := math.Sqrt(share * (1 - share) / float64(n-1))
	return share <= chance+3*stdErr || share < min(2*chance, chance+(1-chance)/10)
}
