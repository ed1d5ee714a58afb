package arrow

import (
	"errors"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Kind is how the values of a column are stored.
type Kind int

// The kinds that are read; all others only can be passed over.
const (
	Other Kind = iota
	Integer
	Float
	Bool
	Bytes // binary, text, and their large forms
	FixedBytes
	Struct
	List // and its large form
	FixedList
)

// Field is a column, or a part of one.
type Field struct {
	Name string
	Kind Kind
	// Type is its type as messages name it.
	Type string
	// Text tells that Bytes are texts.
	Text     bool
	Children []*Field
	Metadata map[string]string

	width    int64 // bytes of a value, or of an offset; of FixedList: values in a list
	unsigned bool
	node     int // of a batch
	buffer   int // the first one of a batch
}

// Child is the part of a struct of that name, nil if there is none.
func (f *Field) Child(name string) *Field {
	for _, c := range f.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// types has a line for each member of the union Type: its name, how it is read, and the buffers of its values.
var types = map[byte]struct {
	name    string
	kind    Kind
	buffers int
	width   int64 // where it is fixed
}{
	1: {"null", Other, 0, 0}, 2: {"integer", Integer, 2, 0}, 3: {"float", Float, 2, 0}, 4: {"binary", Bytes, 3, 4}, 5: {"string", Bytes, 3, 4},
	6: {"bool", Bool, 2, 0}, 7: {"decimal", Other, 2, 0}, 8: {"date", Other, 2, 0}, 9: {"time", Other, 2, 0}, 10: {"timestamp", Other, 2, 0},
	11: {"interval", Other, 2, 0}, 12: {"list", List, 2, 4}, 13: {"struct", Struct, 1, 0}, 14: {"union", Other, 1, 0},
	15: {"fixed_size_binary", FixedBytes, 2, 0}, 16: {"fixed_size_list", FixedList, 1, 0}, 17: {"map", Other, 2, 0}, 18: {"duration", Other, 2, 0},
	19: {"large_binary", Bytes, 3, 8}, 20: {"large_string", Bytes, 3, 8}, 21: {"large_list", List, 2, 8}, 22: {"run_end_encoded", Other, 0, 0},
	25: {"list_view", Other, 3, 0}, 26: {"large_list_view", Other, 3, 0},
}

func (f *File) readSchema(header table) error {
	if header.uint16(slotEndianness) != 0 {
		return errors.New("its numbers are big-endian, which is not read")
	}
	f.meta = header.pairs(slotSchemaMetadata)
	f.fields = []*Field{}
	left := maxFields
	for _, t := range header.children(slotFields) {
		field, err := f.readField(t, 0, &left)
		if err != nil {
			return err
		}
		f.fields = append(f.fields, field)
	}
	return nil
}

func (f *File) readField(t table, depth int, left *int) (*Field, error) {
	if *left--; *left < 0 || depth > maxNesting {
		return nil, fmt.Errorf("%w: its schema has more than %d fields, or %d within each other", ErrDamaged, maxFields, maxNesting)
	}
	tag := t.uint8(slotTypeType)
	known, ok := types[tag]
	field := &Field{Name: t.text(slotName), Kind: known.kind, Type: known.name, Metadata: t.pairs(slotFieldMetadata), width: known.width,
		node: f.nodes, buffer: f.buffers}
	if !ok {
		return nil, fmt.Errorf("column %q is of a type (number %d) that is not read, even if it is not asked for; write the file without it", field.Name, tag)
	}
	f.nodes++
	buffers := known.buffers
	typ, _ := t.child(slotType)
	switch tag {
	case 2:
		field.width, field.unsigned = int64(typ.uint32(slotFirst))/8, typ.uint8(slotSecond) == 0
	case 3:
		field.width = []int64{2, 4, 8}[min(typ.uint16(slotFirst), 2)]
	case 5, 20:
		field.Text = true
	case 14:
		buffers += int(typ.uint16(slotFirst)) & 1 // a dense one has offsets too
	case 15, 16:
		field.width = int64(int32(typ.uint32(slotFirst)))
	}
	if _, ok := t.child(slotDictionary); ok { // numbers stand in for the values
		f.buffers += 2
		field.Kind, field.Type = Other, "dictionary of "+field.Type
		return field, nil
	}
	f.buffers += buffers
	for _, c := range t.children(slotChildren) {
		child, err := f.readField(c, depth+1, left)
		if err != nil {
			return nil, err
		}
		field.Children = append(field.Children, child)
	}
	return field, field.check()
}

// check makes sure that what the readers of values rely on is there.
func (f *Field) check() error {
	good := true
	switch f.Kind {
	case Integer:
		good = f.width == 1 || f.width == 2 || f.width == 4 || f.width == 8
	case FixedBytes:
		good = f.width > 0 && f.width <= maxValue
	case FixedList:
		good = f.width > 0 && f.width <= maxValue && len(f.Children) == 1
	case List:
		good = len(f.Children) == 1
	}
	if !good {
		return fmt.Errorf("%w: column %q is no proper %s", ErrDamaged, f.Name, f.Type)
	}
	return nil
}

// Places in the flatbuffers of format/Message.fbs and format/Schema.fbs: field n is at 4 + 2n.
const (
	slotHeaderType, slotHeader, slotBodyLength          = 6, 8, 10     // Message
	slotEndianness, slotFields, slotSchemaMetadata      = 4, 6, 8      // Schema
	slotName, slotTypeType, slotType, slotDictionary    = 4, 8, 10, 12 // Field
	slotChildren, slotFieldMetadata                     = 14, 16       //
	slotLength, slotNodes, slotBuffers, slotCompression = 4, 6, 8, 10  // RecordBatch
	slotKey, slotValue                                  = 4, 6         // KeyValue
	slotFirst, slotSecond                               = 4, 6         // Int, FloatingPoint, Union, FixedSizeBinary, FixedSizeList
)

// table is a table of a flatbuffer. Reads outside of it panic, which recovered makes an error.
type table struct{ flatbuffers.Table }

func root(buf []byte) table {
	return table{flatbuffers.Table{Bytes: buf, Pos: flatbuffers.GetUOffsetT(buf)}}
}

func (t table) child(slot flatbuffers.VOffsetT) (table, bool) {
	o := t.Offset(slot)
	if o == 0 {
		return t, false
	}
	return table{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + flatbuffers.UOffsetT(o))}}, true
}

func (t table) children(slot flatbuffers.VOffsetT) []table {
	o := flatbuffers.UOffsetT(t.Offset(slot))
	if o == 0 {
		return nil
	}
	n := min(t.VectorLen(o), len(t.Bytes)/4, maxFields)
	tables := make([]table, n)
	for i := range tables {
		tables[i] = table{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Vector(o) + flatbuffers.UOffsetT(4*i))}}
	}
	return tables
}

// structs are pairs of 64-bit numbers.
func (t table) structs(slot flatbuffers.VOffsetT) [][2]int64 {
	o := flatbuffers.UOffsetT(t.Offset(slot))
	if o == 0 {
		return nil
	}
	n := min(t.VectorLen(o), len(t.Bytes)/16)
	pairs := make([][2]int64, n)
	for i := range pairs {
		at := t.Vector(o) + flatbuffers.UOffsetT(16*i)
		pairs[i] = [2]int64{t.GetInt64(at), t.GetInt64(at + 8)}
	}
	return pairs
}

func (t table) text(slot flatbuffers.VOffsetT) string {
	o := t.Offset(slot)
	if o == 0 {
		return ""
	}
	return string(t.ByteVector(t.Pos + flatbuffers.UOffsetT(o)))
}

func (t table) pairs(slot flatbuffers.VOffsetT) map[string]string {
	pairs := map[string]string{}
	for _, pair := range t.children(slot) {
		pairs[pair.text(slotKey)] = pair.text(slotValue)
	}
	return pairs
}

func (t table) int64(slot flatbuffers.VOffsetT) int64   { return t.GetInt64Slot(slot, 0) }
func (t table) uint32(slot flatbuffers.VOffsetT) uint32 { return t.GetUint32Slot(slot, 0) }
func (t table) uint16(slot flatbuffers.VOffsetT) uint16 { return t.GetUint16Slot(slot, 0) }
func (t table) uint8(slot flatbuffers.VOffsetT) byte    { return t.GetByteSlot(slot, 0) }
