package imports

import (
	"errors"
	"fmt"
	"os"

	"upi/data/picture"
)

// files is what becomes of picture files: RGB, unless grey is asked for.
func (o Options) files() picture.Options {
	p := o.Pictures
	if p.Channels == 0 {
		p.Channels = 3
	}
	return p
}

// load makes pixels of a picture file, for a set of pictures of one shape.
func (o Options) load(path string, shape [3]int) ([]byte, error) {
	file, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return o.files().DecodeAs(file, shape)
}

// loadFirst is the shape of a picture that can be read.
func (o Options) loadFirst(path string) ([3]int, error) {
	file, err := readFile(path)
	if err != nil {
		return [3]int{}, err
	}
	p, err := o.files().Decode(file)
	return p.Shape, err
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > picture.MaxEncoded {
		return nil, fmt.Errorf("the file has %d bytes, more than the %d allowed of a picture", info.Size(), picture.MaxEncoded)
	}
	return os.ReadFile(path)
}

// otherShape tells that a picture can be read but is not of the set's shape: the set needs a size, and no picture is bad.
func otherShape(err error) bool {
	var refused *picture.Error
	return errors.As(err, &refused) && refused.Reason == picture.OtherShape
}

// notes is what a shard's metadata say of how its pictures were made.
func (o Options) notes() map[string]string {
	notes := map[string]string{"resize": o.Pictures.Resize.String(), "orientation": "applied", "alpha": "dropped"}
	if o.Pictures.AsStored {
		notes["orientation"] = "as stored"
	}
	if o.Pictures.OnWhite {
		notes["alpha"] = "on white"
	}
	return notes
}
