package data

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/data/column"
)

// Bounds on classes that are told by name.
const (
	maxClasses   = 1 << 17
	maxClassName = 1 << 10
)

// texts is the next row's text of a column, which lives until the next call; ok is false where it is NULL.
type texts func() (text []byte, ok bool, err error)

// textLabels looks up the names of classes.
type textLabels struct {
	take    texts
	classes map[string]int64 // nil where the texts are numbers
}

func newTextLabels(take texts, classes []string) labels {
	l := textLabels{take: take}
	if classes != nil {
		l.classes = map[string]int64{}
		for i, name := range classes {
			l.classes[name] = int64(i)
		}
	}
	return l
}

func (l textLabels) next() (int64, bool, error) {
	text, ok, err := l.take()
	if err != nil || !ok {
		return 0, ok, err
	}
	if l.classes == nil {
		v, whole := wholeNumber(string(text))
		if !whole {
			return 0, ok, fmt.Errorf("the label %.50q is not among the classes", text)
		}
		return v, ok, nil
	}
	label, known := l.classes[string(text)]
	if !known {
		return 0, ok, fmt.Errorf("the label %.50q is not among the classes", text)
	}
	return label, ok, nil
}

// wholeNumber reads a text that is the plain form of a whole number from 0 on.
func wholeNumber(text string) (int64, bool) {
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil && v >= 0 && strconv.FormatInt(v, 10) == text
}

// classTexts are the classes that the text labels of these files name, in sorted order (by their bytes); nil where all of them are whole
// numbers, which then are the classes. All rows count, whatever the limit: else it would decide what number a class has.
func classTexts(paths []string, c Columns) ([]string, error) {
	seen := map[string]bool{}
	for _, path := range paths {
		if err := addClassTexts(path, c, seen); err != nil {
			return nil, err
		}
	}
	names := slices.Sorted(maps.Keys(seen))
	for _, name := range names {
		if _, whole := wholeNumber(name); !whole {
			return names, nil
		}
	}
	return nil, nil
}

func addClassTexts(path string, c Columns, seen map[string]bool) (err error) {
	f, err := openSource(path)
	if err != nil {
		return err
	}
	defer f.Close()
	next, err := f.labelTexts(c)
	if err != nil || next == nil {
		return cmp.Or(err, fmt.Errorf("column %q of %s holds no texts as that of other files does; keep them apart", c.label(), path))
	}
	for row := 0; ; row++ {
		text, ok, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case !ok || seen[string(text)]:
			continue
		case len(text) > maxClassName || !utf8.Valid(text):
			return fmt.Errorf("row %d of %s: the label %.50q is no text of at most %d bytes; name another column as the label's", row, path, text, maxClassName)
		case len(seen) == maxClasses:
			return fmt.Errorf("column %q of %s names more than %d classes; name another column as the label's", c.label(), path, maxClasses)
		}
		seen[string(text)] = true
	}
}

// ids is a column of what names images. Where that is a text, the number is its hash and name the text itself.
type ids interface {
	next() (id int64, name string, ok bool, err error)
}

type numberIDs struct{ labels }

func (n numberIDs) next() (int64, string, bool, error) {
	v, ok, err := n.labels.next()
	return v, "", ok, err
}

// textIDs hands out texts, and UUIDs in their usual form.
type textIDs struct{ take texts }

func openTextIDs(f *column.File, leaf column.Leaf) (ids, error) {
	if leaf.PhysicalType() == parquet.Types.FixedLenByteArray {
		c, err := column.NewCursor[parquet.FixedLenByteArray](f, leaf)
		return textIDs{func() ([]byte, bool, error) {
			v, ok, err := c.Next()
			if err != nil || !ok || len(v) != 16 {
				return nil, ok, err
			}
			return uuidText(v), ok, err
		}}, err
	}
	c, err := column.NewCursor[parquet.ByteArray](f, leaf)
	return textIDs{func() ([]byte, bool, error) {
		v, ok, err := c.Next()
		return v, ok, err
	}}, err
}

// uuidText is the usual form of the 16 bytes of a UUID.
func uuidText(v []byte) []byte {
	h := hex.EncodeToString(v)
	return []byte(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// maxIDText bounds the text of an id.
const maxIDText = 1 << 12

func (t textIDs) next() (int64, string, bool, error) {
	text, ok, err := t.take()
	if err != nil || !ok {
		return 0, "", ok, err
	}
	if len(text) == 0 || len(text) > maxIDText || !utf8.Valid(text) {
		return 0, "", ok, fmt.Errorf("the id %.50q is no text of 1 to %d bytes", text, maxIDText)
	}
	return TextID(string(text)), string(text), ok, nil
}

// TextID is the number of an image whose id is a text, which random numbers belong to: the first 8 bytes of the text's SHA-256 as a
// big-endian signed number. In one dataset two texts with the same number are an error.
func TextID(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
