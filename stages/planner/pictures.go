package planner

import (
	"fmt"

	"upi/data/picture"
	"upi/data/resample"
	"upi/pipeline/config"
	"upi/setting"
)

// pictureOptions is what a configuration says of pictures.
func pictureOptions(c config.Pictures) (picture.Options, error) {
	o := picture.Options{OnWhite: c.OnAlpha == "white", AsStored: c.Orientation == "stored"}
	var err error
	o.Resize, err = resize(c.Resize)
	return o, err
}

func resize(c config.Resize) (picture.Resize, error) {
	if c.Like != "" {
		if c.Mode != "" || c.Shorter != 0 || c.Filter != "" {
			return picture.Resize{}, fmt.Errorf("like %s says mode, shorter and filter; give one or the other", c.Like)
		}
		return picture.Like(c.Like, c.Size)
	}
	if c.Mode == "" && c != (config.Resize{}) {
		return picture.Resize{}, fmt.Errorf("give a mode, one of %v, or like, one of %v", picture.Modes, picture.Presets())
	}
	r := picture.Resize{Mode: picture.Mode(c.Mode), Size: c.Size, Shorter: c.Shorter}
	if c.Filter != "" {
		var err error
		if r.Filter, err = resample.Parse(c.Filter); err != nil {
			return r, err
		}
	}
	return r, r.Check()
}

// checkPictures reports, with the key at which they stand, settings that no picture can satisfy.
func checkPictures(key string, c config.Pictures) []error {
	var problems []error
	for _, s := range []struct{ key, value, one, other string }{
		{"on_alpha", c.OnAlpha, "drop", "white"}, {"orientation", c.Orientation, "exif", "stored"},
	} {
		good := s.value == "" || s.value == s.one || s.value == s.other
		problems = append(problems, setting.Check(good, key+"."+s.key, s.value, "want one of "+s.one+", "+s.other)...)
	}
	if _, err := resize(c.Resize); err != nil {
		problems = append(problems, setting.Check(false, key+".resize", c.Resize, err.Error())...)
	}
	return problems
}
