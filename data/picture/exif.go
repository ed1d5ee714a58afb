package picture

import (
	"bytes"
	"encoding/binary"
	"regexp"
)

// An orientation is the EXIF tag of that name: 1 to 8, where 0 and whatever is out of range mean 1.
type orientation int

// orientationTag is the number of the tag in the first directory of EXIF data.
const orientationTag = 0x112

// exifOrientation reads the orientation of EXIF data, which is a TIFF file without pictures. What is damaged says nothing.
func exifOrientation(data []byte) orientation {
	for range 2 {
		data = bytes.TrimPrefix(data, []byte("Exif\x00\x00"))
	}
	return orientation(tags(data)[orientationTag])
}

// tags are the whole numbers in the first directory of a TIFF file, of several under one tag the first if it is not elsewhere.
func tags(data []byte) map[uint16]uint32 {
	if len(data) < 8 {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(data[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return nil
	}
	const version = 42
	first := int64(order.Uint32(data[4:]))
	if order.Uint16(data[2:]) != version || first+2 > int64(len(data)) {
		return nil
	}
	found := map[uint16]uint32{}
	count, entries := int(order.Uint16(data[first:])), data[first+2:]
	for range count {
		if len(entries) < 12 {
			break
		}
		tag, n := order.Uint16(entries), order.Uint32(entries[4:])
		const short, long = 3, 4
		switch kind := order.Uint16(entries[2:]); {
		case kind == short && (n == 1 || n == 2 && tag != orientationTag):
			found[tag] = uint32(order.Uint16(entries[8:]))
		case kind == long && n == 1:
			found[tag] = order.Uint32(entries[8:])
		}
		entries = entries[12:]
	}
	return found
}

var xmpTag = regexp.MustCompile(`tiff:Orientation(?:="|>)([0-9])`)

// xmpOrientation reads the orientation of Adobe's XMP data.
func xmpOrientation(data []byte) orientation {
	if found := xmpTag.FindSubmatch(data); found != nil {
		return orientation(found[1][0] - '0')
	}
	return 0
}

// either is the orientation that EXIF data gives, or else the one that XMP data gives.
func either(exif, xmp []byte) orientation {
	if o := exifOrientation(exif); o != 0 {
		return o
	}
	return xmpOrientation(xmp)
}
