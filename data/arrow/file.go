// Package arrow reads the files of Arrow's IPC format, as the datasets library keeps sets in: streams, and files that hold a stream.
// It reads single values where they lie, so memory does not grow with the batches of a file.
//
// Files come from anybody: every length and offset in them is checked against the bytes that are there before it is believed. What is
// compressed or encoded by a dictionary is not read.
// (https://arrow.apache.org/docs/format/Columnar.html, format/Message.fbs and format/Schema.fbs of Apache Arrow.)
package arrow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// Bounds, far above those of real files.
const (
	maxMessage  = 16 << 20 // bytes of a message without its buffers
	maxMessages = 64 << 20 // of all messages together
	maxFields   = 10000
	maxNesting  = 32
	maxRows     = 1 << 34   // of a column or of a part of one in a batch, and of all batches
	maxValue    = 256 << 20 // bytes of one value
)

// ErrDamaged marks what cannot be read because the bytes of the file are wrong.
var ErrDamaged = errors.New("the file is damaged")

// File is an open file. Its methods may be called from several goroutines.
type File struct {
	path    string
	source  *os.File
	size    int64
	fields  []*Field
	meta    map[string]string
	nodes   int // of a batch: one per field at any depth
	buffers int
	batches []batch
	rows    int64
}

// batch is where the values of some rows lie.
type batch struct {
	first, rows int64
	body        int64 // place in the file
	nodes       []node
	buffers     []buffer
}

type node struct{ length, nulls int64 }

type buffer struct{ offset, length int64 } // from the body on

// The beginnings of a stream and of a file that holds one.
const (
	continuation = 0xffffffff
	fileMagic    = "ARROW1\x00\x00"
)

// Is tells whether a file begins as one of Arrow's does.
func Is(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 8)
	if _, err := io.ReadFull(f, head); err != nil {
		return false
	}
	return string(head) == fileMagic || binary.LittleEndian.Uint32(head) == continuation
}

// Open reads the schema and where the batches lie. The caller closes the File.
func Open(path string) (*File, error) {
	source, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open Arrow file: %w", err)
	}
	f := &File{path: path, source: source}
	info, err := source.Stat()
	if err == nil {
		f.size = info.Size()
		err = f.readMessages()
	}
	if err != nil {
		source.Close()
		return nil, fmt.Errorf("open Arrow file %s: %w", path, err)
	}
	return f, nil
}

// The kinds of messages.
const (
	messageSchema     = 1
	messageDictionary = 2
	messageBatch      = 3
)

func (f *File) readMessages() (err error) {
	defer recovered(&err)
	at := int64(0)
	head := make([]byte, 8)
	if _, err := f.source.ReadAt(head, 0); err != nil {
		return fmt.Errorf("%w: it is too short", ErrDamaged)
	}
	if string(head) == fileMagic {
		at = 8
	}
	total := int64(0)
	for {
		length, err := f.messageLength(at)
		if err != nil || length == 0 {
			if err == nil && f.fields == nil {
				err = fmt.Errorf("%w: it has no schema", ErrDamaged)
			}
			return err
		}
		if total += length; length > maxMessage || total > maxMessages || at+8+length > f.size {
			return fmt.Errorf("%w: a message claims %d bytes", ErrDamaged, length)
		}
		buf := make([]byte, length)
		if _, err := f.source.ReadAt(buf, at+8); err != nil {
			return err
		}
		message := root(buf)
		body := at + 8 + length
		size := message.int64(slotBodyLength)
		if size < 0 || size > f.size-body {
			return fmt.Errorf("%w: a message claims a body of %d bytes where %d are left", ErrDamaged, size, f.size-body)
		}
		if err := f.readMessage(message, body, size); err != nil {
			return err
		}
		at = body + size
	}
}

// messageLength is 0 at the end of the stream.
func (f *File) messageLength(at int64) (int64, error) {
	if at == f.size {
		return 0, nil
	}
	head := make([]byte, 8)
	if _, err := f.source.ReadAt(head, at); err != nil {
		return 0, fmt.Errorf("%w: it ends within a message", ErrDamaged)
	}
	if binary.LittleEndian.Uint32(head) != continuation {
		return 0, fmt.Errorf("%w: a message begins with %x (files of before Arrow 0.15 are not read)", ErrDamaged, head[:4])
	}
	return int64(int32(binary.LittleEndian.Uint32(head[4:]))), nil
}

func (f *File) readMessage(message table, body, size int64) error {
	header, ok := message.child(slotHeader)
	kind := message.uint8(slotHeaderType)
	switch {
	case !ok:
		return fmt.Errorf("%w: a message is empty", ErrDamaged)
	case kind == messageSchema && f.fields == nil:
		return f.readSchema(header)
	case kind == messageBatch && f.fields != nil:
		return f.readBatch(header, body, size)
	case kind == messageDictionary:
		return nil // columns that use it are not read
	}
	return fmt.Errorf("%w: a message of kind %d stands where none may", ErrDamaged, kind)
}

func (f *File) readBatch(header table, body, size int64) error {
	if _, packed := header.child(slotCompression); packed {
		return errors.New("its batches are compressed, which is not read; write the file without compression")
	}
	b := batch{first: f.rows, rows: header.int64(slotLength), body: body}
	for _, n := range header.structs(slotNodes) {
		if n[0] < 0 || n[0] > maxRows {
			return fmt.Errorf("%w: a batch claims a column of %d values", ErrDamaged, n[0])
		}
		b.nodes = append(b.nodes, node{n[0], n[1]})
	}
	for _, n := range header.structs(slotBuffers) {
		if n[0] < 0 || n[1] < 0 || n[0] > size || n[1] > size-n[0] {
			return fmt.Errorf("%w: a batch claims bytes %d+%d of a body of %d", ErrDamaged, n[0], n[1], size)
		}
		b.buffers = append(b.buffers, buffer{n[0], n[1]})
	}
	if b.rows < 0 || b.rows > maxRows || f.rows > maxRows || len(b.nodes) != f.nodes || len(b.buffers) != f.buffers {
		return fmt.Errorf("%w: a batch of %d rows has %d columns and %d buffers, the schema's %d and %d", ErrDamaged, b.rows, len(b.nodes), len(b.buffers), f.nodes, f.buffers)
	}
	for _, field := range f.fields {
		if b.nodes[field.node].length != b.rows {
			return fmt.Errorf("%w: column %q has %d values in a batch of %d rows", ErrDamaged, field.Name, b.nodes[field.node].length, b.rows)
		}
	}
	if b.rows > 0 {
		f.batches = append(f.batches, b)
		f.rows += b.rows
	}
	return nil
}

// Path is the name that the file was opened by.
func (f *File) Path() string { return f.path }

// Rows is the number of rows.
func (f *File) Rows() int64 { return f.rows }

// Metadata is the value of a key of the schema's metadata, and whether it is there.
func (f *File) Metadata(key string) (string, bool) {
	v, ok := f.meta[key]
	return v, ok
}

// Names are the columns, in order.
func (f *File) Names() []string {
	var names []string
	for _, field := range f.fields {
		names = append(names, field.Name)
	}
	return names
}

// Field is the column of that name, nil if there is none.
func (f *File) Field(name string) *Field {
	for _, field := range f.fields {
		if field.Name == name {
			return field
		}
	}
	return nil
}

// Close releases the file.
func (f *File) Close() error { return f.source.Close() }

// locate is the batch of a row and the row's place in it.
func (f *File) locate(row int64) (*batch, int64, error) {
	i := sort.Search(len(f.batches), func(i int) bool { return f.batches[i].first+f.batches[i].rows > row })
	if row < 0 || i == len(f.batches) {
		return nil, 0, io.EOF
	}
	return &f.batches[i], row - f.batches[i].first, nil
}

// recovered turns a read outside of a message into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: its schema or a message leads out of its bounds", ErrDamaged)
	}
}
