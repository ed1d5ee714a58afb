package picture

import (
	"errors"
	"fmt"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// A Reason is why a file gives no pixels, in the words of a list of skipped files.
type Reason string

// The reasons.
const (
	NotAPicture Reason = "not a picture"
	Damaged     Reason = "damaged"
	Unsupported Reason = "of a kind that is not read"
	TooLarge    Reason = "too large"
	OtherShape  Reason = "of another size or kind than the first picture"
	NoDecoder   Reason = "no decoder"
)

// An Error says why a file gives no pixels and what to do about it.
type Error struct {
	Reason Reason
	err    error
}

func (e *Error) Error() string { return e.err.Error() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.err }

func refuse(reason Reason, text string, arguments ...any) *Error {
	return &Error{reason, fmt.Errorf(text, arguments...)}
}

// asDamage wraps an error of a decoder, unless it has a reason already.
func asDamage(what string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if errors.As(err, new(tiff.UnsupportedError)) || errors.As(err, new(png.UnsupportedError)) || errors.Is(err,
		bmp.ErrUnsupported) {
		return refuse(Unsupported, "%s: %w; the picture is of a kind that is not read: save it anew as PNG", what, err)
	}
	return refuse(Damaged, "%s: %w; the picture is damaged or of a rare kind: drop it, or save it anew as PNG", what, err)
}
