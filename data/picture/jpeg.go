package picture

import (
	"bytes"
	"encoding/binary"
)

// A JPEGDecoder makes height x width x channels pixels of a whole JPEG file, of 1 channel where the file is grey and else of 3
// (RGB), as they lie in the file. Its head has been checked; whatever else is wrong with the file must come as an error.
type JPEGDecoder func(file []byte) (pixels []byte, shape [3]int, err error)

// maxScans bounds how often a file may go over its picture; the usual ten of a progressive JPEG are far below it.
const maxScans = 500

// The markers of a JPEG that matter here.
const (
	jpegSOF0, jpegSOF15 = 0xc0, 0xcf // frames, but for the next three
	jpegDHT             = 0xc4
	jpegJPG             = 0xc8
	jpegDAC             = 0xcc
	jpegRST0, jpegRST7  = 0xd0, 0xd7
	jpegSOI, jpegEOI    = 0xd8, 0xd9
	jpegSOS             = 0xda
	jpegAPP1            = 0xe1
	jpegTEM             = 0x01
)

// segments walks over the segments of a JPEG: visit sees each marker and its content, which is nil where it is cut short, and
// that of the end. It returns whether to go on. Bytes between segments are passed over.
func segments(file []byte, visit func(marker byte, content []byte) (bool, error)) error {
	for rest := file; ; {
		i := bytes.IndexByte(rest, 0xff)
		if i < 0 || i+1 >= len(rest) {
			return nil
		}
		marker := rest[i+1]
		if marker == 0xff {
			rest = rest[i+1:]
			continue
		}
		rest = rest[i+2:]
		if marker == 0 || marker == jpegTEM || marker == jpegSOI || marker >= jpegRST0 && marker <= jpegRST7 {
			continue
		}
		var content []byte
		size := 0
		if len(rest) >= 2 && marker != jpegEOI {
			if size = int(binary.BigEndian.Uint16(rest)); size >= 2 && size <= len(rest) {
				content = rest[2:size:size]
			}
		}
		goOn, err := visit(marker, content)
		if err != nil || !goOn || marker == jpegEOI {
			return err
		}
		rest = rest[min(size, len(rest)):]
	}
}

// jpegHead reads everything before the first scan, counts the scans, and looks for the end: without it the picture is cut short,
// whatever a decoder may make of its beginning.
func jpegHead(file []byte) (head, error) {
	var h head
	var exif, xmp []byte
	scans, ended := 0, false
	err := segments(file, func(marker byte, content []byte) (bool, error) {
		switch {
		case marker == jpegEOI:
			ended = true
		case content == nil && scans > 0:
			ended = true // what looks like a segment is damaged data, which is for the decoder to judge
			return false, nil
		case content == nil:
			return false, refuse(Damaged,
				"a segment of the JPEG (marker %#x) goes beyond its end; it is damaged or cut short: fetch it anew", marker)
		case marker == jpegSOS:
			if h.height == 0 {
				return false, refuse(Damaged, "the JPEG has pixels before it has a size; it is damaged: fetch it anew")
			}
			scans++
			if scans > maxScans {
				return false, refuse(Unsupported,
					"the JPEG has more than %d scans, far more than any picture needs; save it anew", maxScans)
			}
		case scans > 0:
		case marker == jpegAPP1:
			if data, ok := bytes.CutPrefix(content, []byte("Exif\x00\x00")); ok {
				exif = append(exif, data...)
			} else if data, ok := bytes.CutPrefix(content, []byte("http://ns.adobe.com/xap/1.0/\x00")); ok {
				xmp = data
			}
		case marker >= jpegSOF0 && marker <= jpegSOF15 && marker != jpegDHT && marker != jpegJPG && marker != jpegDAC:
			if h.height != 0 {
				return false, refuse(Damaged, "the JPEG says its size twice; it is damaged: fetch it anew")
			}
			var err error
			h, err = jpegFrame(marker, content)
			return err == nil, err
		}
		return true, nil
	})
	if err != nil {
		return h, err
	}
	if scans == 0 || !ended {
		return h, refuse(Damaged, "the JPEG ends before its pixels do; it is cut short: fetch it anew")
	}
	h.orientation = either(exif, xmp)
	return h, nil
}

// jpegFrame reads a frame's head. Pictures of 2, 4 and more channels but for CMYK, and those of other depths, are refused.
func jpegFrame(marker byte, content []byte) (head, error) {
	const baseline, extended, progressive = 0xc0, 0xc1, 0xc2
	if marker != baseline && marker != extended && marker != progressive {
		return head{}, refuse(Unsupported,
			"the JPEG is lossless, hierarchical or arithmetically coded (marker %#x); save it anew", marker)
	}
	if len(content) < 6 {
		return head{}, refuse(Damaged, "the JPEG's head has %d bytes, too few; it is damaged: fetch it anew", len(content))
	}
	if depth := content[0]; depth != 8 {
		return head{}, refuse(Unsupported, "the JPEG has %d bits per channel, 8 are read; save it anew", depth)
	}
	h := head{height: int(binary.BigEndian.Uint16(content[1:])), width: int(binary.BigEndian.Uint16(content[3:]))}
	if h.height == 0 || h.width == 0 {
		return h, refuse(Damaged,
			"the JPEG claims %d x %d pixels; it is damaged, or says its height after its pixels: save it anew", h.height, h.width)
	}
	switch channels := content[5]; channels {
	case 1:
		h.grey = true
	case 3, 4:
	default:
		return h, refuse(Unsupported, "the JPEG has %d channels; 1, 3 and 4 are read: save it anew", channels)
	}
	return h, nil
}

// decodeJPEG hands the file to the decoder.
func decodeJPEG(file []byte, h head, o Options) (Pixels, error) {
	if o.JPEG == nil {
		return Pixels{}, refuse(NoDecoder, "the picture is a JPEG, and its reader was given no decoder for JPEGs")
	}
	decoded, shape, err := o.JPEG(file)
	if err != nil {
		return Pixels{}, asDamage("decode JPEG", err)
	}
	p := Pixels{shape, decoded}
	want := 3
	if h.grey {
		want = 1
	}
	if p.Shape[2] != want {
		return p, refuse(Damaged, "the JPEG decodes to %d channels, its head says %d", p.Shape[2], want)
	}
	return p, nil
}
