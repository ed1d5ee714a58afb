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
	if len(data) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(data[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return 0
	}
	first := int64(order.Uint32(data[4:]))
	if first+2 > int64(len(data)) {
		return 0
	}
	count, entries := int(order.Uint16(data[first:])), data[first+2:]
	for range count {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == orientationTag && order.Uint32(entries[4:]) == 1 {
			const short, long = 3, 4
			switch order.Uint16(entries[2:]) {
			case short:
				return orientation(order.Uint16(entries[8:]))
			case long:
				return orientation(order.Uint32(entries[8:]))
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
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
