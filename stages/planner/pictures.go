package planner

import (
	"upi/data/picture"
	"upi/pipeline/config"
	"upi/setting"
)

// pictureOptions is what a configuration says of pictures.
func pictureOptions(c config.Pictures) (picture.Options, error) {
	o := picture.Options{OnWhite: c.OnAlpha == "white", AsStored: c.Orientation == "stored"}
	var err error
	o.Resize, err = picture.Choice(c.Resize).Resize()
	return o, err
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
	if _, err := picture.Choice(c.Resize).Resize(); err != nil {
		problems = append(problems, setting.Check(false, key+".resize", c.Resize, err.Error())...)
	}
	return problems
}
