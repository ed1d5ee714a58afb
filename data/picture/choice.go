package picture

import (
	"fmt"

	"upi/data/resample"
)

// A Choice is a Resize as people write it: by the name of a preset, or part by part. Its zero value keeps sizes.
type Choice struct {
	// Like is the name of a preset; beside it only Size may be given.
	Like string
	// Mode is crop unless it says otherwise.
	Mode string
	// Size is the height and width of the result; beside Like it is 224 by itself.
	Size int
	// Shorter is what the shorter side is scaled to before Crop cuts; 0 is 256 for a Size of 224, else Size.
	Shorter int
	// Filter is bilinear unless it says otherwise.
	Filter string
}

// Resize is what was chosen.
func (c Choice) Resize() (Resize, error) {
	switch {
	case c.Like != "" && (c.Mode != "" || c.Shorter != 0 || c.Filter != ""):
		return Resize{}, fmt.Errorf("like %s says the mode, the shorter side and the filter; give one or the other", c.Like)
	case c.Like != "":
		r, err := Like(c.Like, c.Size)
		if err == nil {
			err = r.Check()
		}
		return r, err
	case c == Choice{}:
		return Resize{}, nil
	}
	r := Resize{Mode: Mode(c.Mode), Size: c.Size, Shorter: c.Shorter}
	if r.Mode == Keep {
		r.Mode = Crop
	}
	if standard := presets["torchvision"]; r.Mode == Crop && r.Size == standard.Size && r.Shorter == 0 {
		r.Shorter = standard.Shorter
	}
	if c.Filter != "" {
		var err error
		if r.Filter, err = resample.Parse(c.Filter); err != nil {
			return r, err
		}
	}
	return r, r.Check()
}
