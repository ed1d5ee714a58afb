package data

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"upi/data/arrow"
	"upi/data/column"
	"upi/data/picture"
)

// arrowFile is a file of Arrow's IPC format, as the datasets library keeps sets in.
type arrowFile struct{ *arrow.File }

// arrowColumn walks a column, or a part of a struct, row by row.
type arrowColumn struct {
	file  *arrow.File
	outer *arrow.Field
	inner *arrow.Field // nil where the column is no struct
	row   int64
}

// next are the values that hold the next row, and its place among them; ok is false where it is NULL.
func (c *arrowColumn) next() (v arrow.Values, i int64, ok bool, err error) {
	if v, i, err = c.file.At(c.outer, c.row); err != nil {
		return v, i, false, brokenArrow(err)
	}
	c.row++
	if ok, err = v.Valid(i); err == nil && ok && c.inner != nil {
		v = v.Child(c.inner)
		ok, err = v.Valid(i)
	}
	return v, i, ok, brokenArrow(err)
}

// brokenArrow marks an error as the file's rather than the row's.
func brokenArrow(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &column.CursorError{Err: err}
}

func (c *arrowColumn) texts() texts {
	return func() ([]byte, bool, error) {
		v, i, ok, err := c.next()
		if err != nil || !ok {
			return nil, ok, err
		}
		b, err := v.Bytes(i)
		return b, true, brokenArrow(err)
	}
}

// arrowNumbers is a column of whole numbers, truth values, or floating-point numbers that are whole.
type arrowNumbers struct{ *arrowColumn }

func (n arrowNumbers) next() (int64, bool, error) {
	v, i, ok, err := n.arrowColumn.next()
	if err != nil || !ok {
		return 0, ok, err
	}
	whole, x, isWhole, err := v.Number(i)
	switch {
	case err != nil:
		return 0, ok, brokenArrow(err)
	case math.IsNaN(x):
		return 0, false, nil // a gap, as pandas writes it
	case !isWhole:
		return 0, ok, fmt.Errorf("%v is not a whole number", x)
	}
	return whole, ok, nil
}

// column is a column by its name. It may be nil.
func (f arrowFile) column(name string) *arrowColumn {
	if field := f.Field(name); field != nil {
		return &arrowColumn{file: f.File, outer: field}
	}
	return nil
}

func (c *arrowColumn) isNumber() bool {
	return c.outer.Kind == arrow.Integer || c.outer.Kind == arrow.Float || c.outer.Kind == arrow.Bool
}

func (f arrowFile) labels(c Columns, classes []string) (labels, error) {
	col := f.column(c.label())
	switch {
	case col == nil:
		return nil, fmt.Errorf("%s has no column %q; it has %q: name the column of classes (data.label in a configuration, --label in an import)",
			f.Path(), c.label(), f.Names())
	case col.isNumber():
		return arrowNumbers{col}, nil
	case col.outer.Kind == arrow.Bytes:
		return newTextLabels(col.texts(), classes), nil
	}
	return nil, fmt.Errorf("column %q of %s is stored as %s, wanted the number or the name of a class; name another column as the label's",
		c.label(), f.Path(), col.outer.Type)
}

func (f arrowFile) labelTexts(c Columns) (texts, error) {
	if col := f.column(c.label()); col != nil && col.outer.Kind == arrow.Bytes {
		return col.texts(), nil
	}
	return nil, nil
}

func (f arrowFile) ids(c Columns) (ids, error) {
	name := c.ID
	if name == "" {
		name = idColumn
	}
	col := f.column(name)
	const cure = "name another column as the id's, or none (data.id in a configuration, --id in an import): then images are numbered by their place"
	switch {
	case c.ID == NoID || col == nil && c.ID == "":
		return nil, nil
	case col == nil:
		return nil, fmt.Errorf("%s has no column %q; it has %q: %s", f.Path(), name, f.Names(), cure)
	case col.isNumber():
		return numberIDs{arrowNumbers{col}}, nil
	case col.outer.Kind == arrow.Bytes:
		return textIDs{col.texts()}, nil
	case col.outer.Kind == arrow.FixedBytes && col.outer.Metadata["ARROW:extension:name"] == "arrow.uuid":
		take := col.texts()
		return textIDs{func() ([]byte, bool, error) {
			v, ok, err := take()
			if err != nil || !ok || len(v) != 16 {
				return nil, ok, err
			}
			return uuidText(v), ok, nil
		}}, nil
	}
	return nil, fmt.Errorf("column %q of %s is stored as %s, wanted whole numbers or texts; %s", name, f.Path(), col.outer.Type, cure)
}

func (f arrowFile) pixels(c Columns, o picture.Options) (pixels, error) {
	names := append(slices.Clone(imageColumns), pixelsColumn)
	if c.Image != "" {
		names = []string{c.Image}
	}
	for _, name := range names {
		if col := f.column(name); col != nil {
			return f.openPixels(col, c.FollowPaths, o)
		}
	}
	return nil, fmt.Errorf("%s has no column %q; it has %q: name the column of pictures (data.image in a configuration, --image in an import)",
		f.Path(), strings.Join(names, `" or "`), f.Names())
}

func (f arrowFile) openPixels(col *arrowColumn, follow string, o picture.Options) (pixels, error) {
	field := col.outer
	pathsOf := func(inner *arrow.Field) *paths {
		return newPaths(f.Path(), func() (texts, error) { return (&arrowColumn{file: f.File, outer: field, inner: inner}).texts(), nil }, follow)
	}
	switch field.Kind {
	case arrow.Struct:
		e := &encoded{options: o}
		if inner := field.Child("bytes"); inner != nil && inner.Kind == arrow.Bytes {
			e.bytes = (&arrowColumn{file: f.File, outer: field, inner: inner}).texts()
		}
		if inner := field.Child("path"); inner != nil && inner.Kind == arrow.Bytes {
			e.paths = pathsOf(inner)
		}
		if e.bytes != nil || e.paths != nil {
			return e, nil
		}
	case arrow.Bytes:
		if field.Text {
			return &encoded{options: o, paths: pathsOf(nil)}, nil
		}
		return &encoded{options: o, bytes: col.texts()}, nil
	case arrow.List, arrow.FixedList:
		return plain{arrowLists{col}, o}, nil
	}
	return nil, fmt.Errorf("column %q of %s is stored as %s, wanted the bytes of picture files, or lists of lists of whole numbers", field.Name, f.Path(), field.Type)
}

// arrowLists is a column of pictures as lists within lists.
type arrowLists struct{ *arrowColumn }

func (l arrowLists) row() ([]byte, [3]int, error) {
	v, i, ok, err := l.next()
	if err != nil {
		return nil, [3]int{}, err
	}
	if !ok {
		return nil, [3]int{}, errors.New("the image is NULL; drop the row")
	}
	var sizes []int
	field, from, n := l.outer, i, int64(1)
	for field.Kind == arrow.List || field.Kind == arrow.FixedList {
		starts, end, err := v.Range(from, n)
		if err != nil {
			return nil, [3]int{}, brokenArrow(err)
		}
		size := (end - starts[0]) / n
		equal := end-starts[0] == size*n
		for k, start := range starts {
			equal = equal && start == starts[0]+int64(k)*size
		}
		switch {
		case !equal:
			return nil, [3]int{}, fmt.Errorf("its lists at depth %d differ in length; a picture's are of one length", len(sizes)+1)
		case size == 0 || len(sizes) == 3 || end-starts[0] > picture.MaxPixels:
			return nil, [3]int{}, fmt.Errorf("its lists at depth %d have %d values in all; wanted height x width or height x width x channels", len(sizes)+1, end-starts[0])
		}
		sizes, from, n = append(sizes, int(size)), starts[0], end-starts[0]
		field = field.Children[0]
		v = v.Child(field)
		if valid, err := v.AllValid(from, n); err != nil || !valid {
			return nil, [3]int{}, cmp.Or(brokenArrow(err), errors.New("it has a NULL within its lists"))
		}
	}
	if len(sizes) < 2 {
		return nil, [3]int{}, errors.New("its values are one list, whose shape nobody tells; wanted height x width or height x width x channels")
	}
	numbers, err := v.Numbers(from, n)
	if err != nil {
		return nil, [3]int{}, brokenArrow(err)
	}
	out := make([]byte, n)
	for k, value := range numbers {
		if value < 0 || value > 255 {
			return nil, [3]int{}, fmt.Errorf("pixel value %d at place %d is not in 0..255", value, k)
		}
		out[k] = byte(value)
	}
	shape := [3]int{sizes[0], sizes[1], 1}
	if len(sizes) == 3 {
		shape[2] = sizes[2]
	}
	return out, shape, channelsLast(shape)
}
