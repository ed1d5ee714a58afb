package column

import (
	"encoding/base64"
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"
)

// FieldMetadata is the value of a key in the metadata of a top-level field, which Arrow's writers keep in a copy of their own
// schema in the footer; ok is false when there is none.
//
// Only names and metadata are taken from that copy: it may hold types newer than the library knows, and its decoder
// follows offsets in circles without end.
func (f *File) FieldMetadata(field, key string) (value string, ok bool) {
	text, ok := f.Metadata("ARROW:schema")
	if !ok {
		return "", false
	}
	defer func() {
		if recover() != nil { // an offset that leads out of the buffer
			value, ok = "", false
		}
	}()
	message, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", false
	}
	if binary.LittleEndian.Uint32(message) == 0xffffffff { // marks the longer header
		message = message[4:]
	}
	message = message[4:]
	root := flatbuffers.Table{Bytes: message, Pos: flatbuffers.GetUOffsetT(message)}
	header, ok := child(root, slotHeader)
	if !ok {
		return "", false
	}
	for _, f := range children(header, slotFields) {
		if name, _ := stringAt(f, slotName); name != field {
			continue
		}
		for _, pair := range children(f, slotMetadata) {
			if name, _ := stringAt(pair, slotKey); name == key {
				return stringAt(pair, slotValue)
			}
		}
	}
	return "", false
}

// Places in Arrow's flatbuffers, format/Message.fbs and format/Schema.fbs of Apache Arrow: field n is at 4 + 2n.
const (
	slotHeader   = 8  // Message.header
	slotFields   = 6  // Schema.fields
	slotName     = 4  // Field.name
	slotMetadata = 16 // Field.custom_metadata
	slotKey      = 4  // KeyValue.key
	slotValue    = 6  // KeyValue.value
)

func child(t flatbuffers.Table, slot flatbuffers.VOffsetT) (flatbuffers.Table, bool) {
	o := t.Offset(slot)
	if o == 0 {
		return t, false
	}
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + flatbuffers.UOffsetT(o))}, true
}

func children(t flatbuffers.Table, slot flatbuffers.VOffsetT) []flatbuffers.Table {
	o := flatbuffers.UOffsetT(t.Offset(slot))
	if o == 0 {
		return nil
	}
	n := min(t.VectorLen(o), len(t.Bytes)/4)
	tables := make([]flatbuffers.Table, n)
	for i := range tables {
		tables[i] = flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Vector(o) + flatbuffers.UOffsetT(4*i))}
	}
	return tables
}

func stringAt(t flatbuffers.Table, slot flatbuffers.VOffsetT) (string, bool) {
	o := t.Offset(slot)
	if o == 0 {
		return "", false
	}
	return string(t.ByteVector(t.Pos + flatbuffers.UOffsetT(o))), true
}
