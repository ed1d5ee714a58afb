package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
	"upi/data/picture"
)

// Columns names the columns of a set of images; "" stands for the usual name.
type Columns struct {
	// Image holds the pictures: image, img or pixels.
	Image string `json:"image,omitempty"`
	// Label holds the classes, as whole numbers or as texts: label.
	Label string `json:"label,omitempty"`
	// ID holds what names an image, a whole number or a text: id, if there is such a column. NoID passes over it.
	ID string `json:"id,omitempty"`
	// FollowPaths is the folder below which pictures are read that the file tells by path alone; FollowBeside is the file's own. ""
	// follows none.
	FollowPaths string `json:"follow_paths,omitempty"`
}

// NoID, in Columns.ID, numbers the images by their place in the dataset whatever columns there are.
const NoID = "none"

// The usual columns.
const (
	imageColumn  = "image"
	labelColumn  = "label"
	idColumn     = "id"
	pixelsColumn = "pixels"
)

// imageColumns are the names that sets of encoded pictures use.
var imageColumns = []string{imageColumn, "img"}

func (c Columns) label() string {
	if c.Label != "" {
		return c.Label
	}
	return labelColumn
}

// single is the column called name where that holds one value per row; there is none where the file has no such field.
func single(f *column.File, name string) (leaf column.Leaf, ok bool, err error) {
	leaves := f.Leaves(name)
	switch {
	case len(leaves) == 0:
		return leaf, false, nil
	case len(leaves) > 1:
		return leaf, false, fmt.Errorf("column %q of %s is a struct of %d columns", name, f.Path(), len(leaves))
	case leaves[0].MaxRepetitionLevel() > 0:
		return leaf, false, fmt.Errorf("column %q of %s holds lists", name, f.Path())
	}
	return leaves[0], true, nil
}

// isText tells a column of texts, marked as such or plain bytes, which are checked as they are read.
func isText(leaf column.Leaf) bool {
	if leaf.PhysicalType() != parquet.Types.ByteArray {
		return false
	}
	switch leaf.LogicalType().(type) {
	case nil, schema.NoLogicalType, schema.UnknownLogicalType, schema.StringLogicalType, *schema.StringLogicalType, schema.EnumLogicalType:
		return true
	}
	return false
}

// stored says how a column is stored, for messages.
func stored(leaf column.Leaf) string {
	physical := leaf.PhysicalType().String()
	switch logical := leaf.LogicalType().(type) {
	case nil, schema.NoLogicalType, schema.UnknownLogicalType:
		return physical
	default:
		return fmt.Sprintf("%s (%s)", logical, physical)
	}
}

// openLabels opens the column of classes. Texts are looked up among the class names.
func openLabels(f *column.File, c Columns, classes []string) (labels, error) {
	leaf, ok, err := single(f, c.label())
	if err != nil {
		return nil, fmt.Errorf("%w, wanted the number or the name of a class; name another column as the label's", err)
	}
	if !ok {
		return nil, fmt.Errorf("%s has no column %q; it has %q: name the column of classes (data.label in a configuration, --label in an import)",
			f.Path(), c.label(), f.Names())
	}
	if isText(leaf) {
		texts, err := openLabelTexts(f, c)
		return newTextLabels(texts, classes), err
	}
	numbers, err := openNumbers(f, leaf)
	if err != nil || numbers != nil {
		return numbers, err
	}
	return nil, fmt.Errorf("column %q of %s is stored as %s, wanted the number or the name of a class; name another column as the label's", c.label(), f.Path(), stored(leaf))
}

// openLabelTexts opens the column of classes where it holds texts; else it is nil.
func openLabelTexts(f *column.File, c Columns) (texts, error) {
	leaf, ok, err := single(f, c.label())
	if err != nil || !ok || !isText(leaf) {
		return nil, err
	}
	cursor, err := column.NewCursor[parquet.ByteArray](f, leaf)
	if err != nil {
		return nil, err
	}
	return func() ([]byte, bool, error) {
		v, ok, err := cursor.Next()
		return v, ok, err
	}, nil
}

// openIDs is nil where images are numbered by their place.
func openIDs(f *column.File, c Columns) (ids, error) {
	if c.ID == NoID {
		return nil, nil
	}
	name := c.ID
	if name == "" {
		name = idColumn
	}
	const cure = "name another column as the id's, or none (data.id in a configuration, --id in an import): then images are numbered by their place"
	leaf, ok, err := single(f, name)
	if err != nil {
		return nil, fmt.Errorf("%w, wanted whole numbers or texts; %s", err, cure)
	}
	if !ok {
		if c.ID != "" {
			return nil, fmt.Errorf("%s has no column %q; it has %q: %s", f.Path(), name, f.Names(), cure)
		}
		return nil, nil
	}
	if _, isUUID := leaf.LogicalType().(schema.UUIDLogicalType); isText(leaf) || isUUID {
		return openTextIDs(f, leaf)
	}
	numbers, err := openNumbers(f, leaf)
	if err != nil {
		return nil, err
	}
	if numbers == nil {
		return nil, fmt.Errorf("column %q of %s is stored as %s, wanted whole numbers or texts; %s", name, f.Path(), stored(leaf), cure)
	}
	return numberIDs{numbers}, nil
}

// openPixels picks the way in which a file stores its pictures.
func openPixels(f *column.File, c Columns, o picture.Options) (pixels, error) {
	names := append(slices.Clone(imageColumns), pixelsColumn)
	if c.Image != "" {
		names = []string{c.Image}
	}
	for _, name := range names {
		leaves := f.Leaves(name)
		if len(leaves) == 0 {
			continue
		}
		_, told := f.FieldMetadata(name, "shape")
		switch list := leaves[0].MaxRepetitionLevel(); {
		case len(leaves) == 1 && list > 1:
			rows, err := openNested(f, name, leaves[0])
			return plain{rows, o}, err
		case list == 1 && len(leaves) == 1, name == pixelsColumn, leaves[0].PhysicalType() == parquet.Types.FixedLenByteArray, told && len(leaves) == 1:
			rows, err := openRaw(f, name, leaves)
			return plain{rows, o}, err
		}
		return openEncoded(f, name, leaves, c.FollowPaths, o)
	}
	if c.Image != "" {
		return nil, fmt.Errorf("%s has no column %q; it has %q: name the column of pictures (data.image in a configuration, --image in an import)",
			f.Path(), c.Image, f.Names())
	}
	return nil, fmt.Errorf("%s has neither a column %s nor %q; it has %q: is it a set of images? Name the column of pictures (data.image in a configuration, "+
		"--image in an import)", f.Path(), `"`+strings.Join(imageColumns, `" or "`)+`"`, pixelsColumn, f.Names())
}
