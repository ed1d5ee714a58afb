package resample

import "testing"

// BenchmarkResize brings a photograph of a telephone, and one of ImageNet's, to 256 on the shorter side.
func BenchmarkResize(b *testing.B) {
	for name, c := range map[string]struct{ height, width, toHeight, toWidth int }{
		"3000x4000": {3000, 4000, 256, 341}, "375x500": {375, 500, 256, 341},
	} {
		p := formula(c.height, c.width, 3, 1)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Resize(p, c.toHeight, c.toWidth, Bilinear)
			}
		})
	}
}
