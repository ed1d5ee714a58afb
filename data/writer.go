package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
	"upi/data/picture"
)

// shapeKey is where a file says the shape of its images.
const shapeKey = "upi.shape"

// rowGroupBytes is about how much a Writer holds back.
const rowGroupBytes = 16 << 20

// Schema is what holds for all images of a shard.
type Schema struct {
	// Shape is the height, width and number of channels (1 or 3).
	Shape [3]int
	// ClassNames are the names of the labels 0, 1, ...; nil leaves labels unnamed and unchecked.
	ClassNames []string
	// TextIDs writes the Name of each image as its id, else the ID.
	TextIDs bool
	// Notes are written to the file's metadata, each under "upi." and its name.
	Notes map[string]string
}

// Writer writes a shard in Hugging Face's convention, pictures as PNG. The file has a temporary name until Close.
type Writer struct {
	path   string
	schema Schema
	output *column.Output

	pictures    []parquet.ByteArray
	labels, ids []int64
	names       []parquet.ByteArray // in place of ids, where those are texts
	held        int                 // bytes in pictures
	png         png.Encoder
}

// Create starts the shard that Close will put at path, replacing what is there.
func Create(path string, s Schema) (*Writer, error) {
	if s.Shape[0] <= 0 || s.Shape[1] <= 0 || s.Shape[0] > picture.MaxPixels/s.Shape[1] || s.Shape[2] != 1 && s.Shape[2] != 3 {
		return nil, fmt.Errorf("create shard %s: images of %s cannot be stored as PNG; 1 or 3 channels can", path, shapeString(s.Shape))
	}
	root, err := shardSchema(s.TextIDs)
	if err != nil {
		return nil, fmt.Errorf("create shard %s: %w", path, err)
	}
	output, err := column.Create(path, root, parquet.NewWriterProperties(
		parquet.WithCreatedBy("upi"), parquet.WithCompression(compress.Codecs.Zstd), parquet.WithDictionaryDefault(false),
		// A page is measured once per batch of rows, and pictures are large.
		parquet.WithBatchSize(16), parquet.WithDataPageSize(1<<20),
		parquet.WithStatsFor("image.bytes", false), parquet.WithCompressionFor("image.bytes", compress.Codecs.Uncompressed),
	))
	if err != nil {
		return nil, fmt.Errorf("create shard: %w", err)
	}
	w := &Writer{path: path, schema: s, output: output, png: png.Encoder{CompressionLevel: png.BestCompression, BufferPool: &buffers{}}}
	pairs := [][2]string{{"huggingface", huggingFace(s)}, {shapeKey, fmt.Sprintf("%d,%d,%d", s.Shape[0], s.Shape[1], s.Shape[2])}}
	for _, name := range slices.Sorted(maps.Keys(s.Notes)) {
		pairs = append(pairs, [2]string{"upi." + name, s.Notes[name]})
	}
	for _, pair := range pairs {
		if err := output.SetMetadata(pair[0], pair[1]); err != nil {
			output.Abort()
			return nil, err
		}
	}
	return w, nil
}

// buffers keeps the encoder's buffers, which are far larger than most pictures, from one picture to the next.
type buffers struct{ kept *png.EncoderBuffer }

func (b *buffers) Get() *png.EncoderBuffer { return b.kept }

func (b *buffers) Put(used *png.EncoderBuffer) { b.kept = used }

// shardSchema is image: struct<bytes: binary, path: string>, label: int64, id: int64 or string. Nothing in it is ever NULL, but the
// datasets library sees classes only in columns that could be.
func shardSchema(textIDs bool) (*schema.GroupNode, error) {
	picture, err := schema.NewGroupNode("image", parquet.Repetitions.Optional, schema.FieldList{
		schema.NewByteArrayNode("bytes", parquet.Repetitions.Optional, -1),
		schema.Must(schema.NewPrimitiveNodeLogical("path", parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1)),
	}, -1)
	if err != nil {
		return nil, err
	}
	id := schema.Node(schema.NewInt64Node(idColumn, parquet.Repetitions.Optional, -1))
	if textIDs {
		id = schema.Must(schema.NewPrimitiveNodeLogical(idColumn, parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1))
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		picture, schema.NewInt64Node(labelColumn, parquet.Repetitions.Optional, -1), id,
	}, -1)
}

// huggingFace is the metadata by which the datasets library knows pictures and classes.
func huggingFace(s Schema) string {
	type feature map[string]any
	label := feature{"dtype": "int64", "_type": "Value"}
	if s.ClassNames != nil {
		label = feature{"names": s.ClassNames, "_type": "ClassLabel"}
	}
	id := "int64"
	if s.TextIDs {
		id = "string"
	}
	text, err := json.Marshal(feature{"info": feature{"features": feature{
		imageColumn: feature{"_type": "Image"}, labelColumn: label, idColumn: feature{"dtype": id, "_type": "Value"},
	}}})
	if err != nil {
		panic(err) // strings and maps of them always encode
	}
	return string(text)
}

// Write appends an image; its Row does not matter and its Pixels may be reused afterwards.
func (w *Writer) Write(im Image) error {
	fail := func(err error) error { return fmt.Errorf("write image %d of %s: %w", im.ID, w.path, err) }
	if im.Label < 0 || w.schema.ClassNames != nil && im.Label >= int64(len(w.schema.ClassNames)) {
		return fail(fmt.Errorf("label %d is out of range; there are %d classes", im.Label, len(w.schema.ClassNames)))
	}
	picture, err := w.encode(im.Pixels)
	if err != nil {
		return fail(err)
	}
	w.pictures = append(w.pictures, picture)
	w.labels, w.ids = append(w.labels, im.Label), append(w.ids, im.ID)
	if w.schema.TextIDs {
		w.names = append(w.names, parquet.ByteArray(im.Name))
	}
	if w.held += len(picture); w.held < rowGroupBytes {
		return nil
	}
	return w.flush()
}

func (w *Writer) encode(pixels []byte) ([]byte, error) {
	height, width, channels := w.schema.Shape[0], w.schema.Shape[1], w.schema.Shape[2]
	if len(pixels) != height*width*channels {
		return nil, fmt.Errorf("it has %d bytes, %s needs %d", len(pixels), shapeString(w.schema.Shape), height*width*channels)
	}
	picture, err := unflatten(pixels, w.schema.Shape)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = w.png.Encode(&out, picture)
	return out.Bytes(), err
}

func (w *Writer) flush() error {
	n := len(w.labels)
	if n == 0 {
		return nil
	}
	full, half := levels(n, 2), levels(n, 1)
	err := w.output.RowGroup(func(i int, c file.ColumnChunkWriter) (err error) {
		switch i {
		case 0:
			_, err = c.(*file.ByteArrayColumnChunkWriter).WriteBatch(w.pictures, full, nil)
		case 1: // no picture has a path
			_, err = c.(*file.ByteArrayColumnChunkWriter).WriteBatch(nil, half, nil)
		case 2:
			_, err = c.(*file.Int64ColumnChunkWriter).WriteBatch(w.labels, half, nil)
		case 3:
			if w.schema.TextIDs {
				_, err = c.(*file.ByteArrayColumnChunkWriter).WriteBatch(w.names, half, nil)
				break
			}
			_, err = c.(*file.Int64ColumnChunkWriter).WriteBatch(w.ids, half, nil)
		}
		return err
	})
	w.pictures, w.labels, w.ids, w.names, w.held = w.pictures[:0], w.labels[:0], w.ids[:0], w.names[:0], 0
	return err
}

func levels(n int, level int16) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = level
	}
	return out
}

// Close writes what is held back, syncs the file and gives it its name. After an error nothing is left behind.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		w.output.Abort()
		return err
	}
	return w.output.Close()
}

// Abort removes what has been written. After Close it does nothing, so it can be deferred.
func (w *Writer) Abort() { w.output.Abort() }
