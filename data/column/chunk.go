package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/apache/arrow/go/v15/parquet"
)

// chunk reads the values of one column in one row group.
type chunk[V Value] struct {
	leaf  Leaf
	pages *pages
	left  int64 // levels in the pages still to come

	inPage     int64 // levels left in the page
	defs, reps *hybrid
	values     decoder[V]
	dictionary []V
	large      *largeDictionary // in place of dictionary, where that is above what is held in memory
}

// openChunk checks where a chunk lies before anything of it is read.
func openChunk[V Value](f *File, leaf Leaf, group int) (*chunk[V], error) {
	columns := f.meta.GetRowGroups()[group].Columns
	if leaf.index < len(columns) && columns[leaf.index].IsSetCryptoMetadata() {
		return nil, unread("it is encrypted, which is not read; write the file without encryption")
	}
	meta, err := f.meta.RowGroup(group).ColumnChunk(leaf.index)
	if err != nil {
		return nil, err
	}
	start := meta.DataPageOffset()
	if d := meta.DictionaryPageOffset(); meta.HasDictionaryPage() && d > 0 && d < start {
		start = d
	}
	length := meta.TotalCompressedSize()
	if start < 4 || length < 0 || length > f.size || start > f.size-length {
		return nil, fmt.Errorf("row group %d claims bytes %d to %d+%d of a file of %d", group, start, start, length, f.size)
	}
	if meta.NumValues() < 0 {
		return nil, fmt.Errorf("row group %d claims %d values", group, meta.NumValues())
	}
	pages, err := newPages(f.source, start, start+length, meta.Compression())
	if err != nil {
		return nil, err
	}
	if leaf.PhysicalType() == parquet.Types.ByteArray {
		pages.spills = &f.spills
	}
	return &chunk[V]{leaf: leaf, pages: pages, left: meta.NumValues()}, nil
}

// read fills values, defs and reps with up to len(defs) levels and the values that are there, all of one page. It
// returns io.EOF at the end of the chunk.
func (c *chunk[V]) read(values []V, defs, reps []int16) (levels int, err error) {
	for c.inPage == 0 {
		if c.left == 0 {
			return 0, io.EOF
		}
		if err := c.nextPage(); err != nil {
			return 0, err
		}
	}
	n := int(min(c.inPage, int64(len(defs))))
	if err := errors.Join(c.reps.levels(reps[:n]), c.defs.levels(defs[:n])); err != nil {
		return 0, err
	}
	present := 0
	for _, def := range defs[:n] {
		if def == c.leaf.MaxDefinitionLevel() {
			present++
		}
	}
	if err := c.values.decode(values[:present]); err != nil {
		return 0, err
	}
	c.inPage -= int64(n)
	return n, nil
}

func (c *chunk[V]) nextPage() error {
	p, err := c.pages.next()
	if err == io.EOF {
		return fmt.Errorf("its pages end %d values early", c.left)
	}
	if err != nil {
		return err
	}
	if p.kind == pageDictionary {
		return c.readDictionary(p)
	}
	if p.values > c.left {
		return fmt.Errorf("a page claims %d values where %d are left", p.values, c.left)
	}
	body := p.data
	if p.large != nil {
		if body, err = p.front(c.leaf); err != nil {
			return err
		}
	}
	if c.reps, body, err = p.levelRuns(1, c.leaf.MaxRepetitionLevel(), body); err != nil {
		return err
	}
	if c.defs, body, err = p.levelRuns(0, c.leaf.MaxDefinitionLevel(), body); err != nil {
		return err
	}
	if p.large != nil {
		c.values, err = c.largeDecoder(p)
	} else {
		c.values, err = c.decoder(p, body)
	}
	if err != nil {
		return err
	}
	c.left -= p.values
	c.inPage = p.values
	return nil
}

// levelRuns takes the definition (0) or repetition (1) levels off the front of a page.
func (p page) levelRuns(which int, highest int16, body []byte) (*hybrid, []byte, error) {
	n := p.lengths[which]
	if p.kind == pageData {
		if highest == 0 {
			return &hybrid{}, body, nil
		}
		if p.levels[which] != parquet.Encodings.RLE {
			return nil, nil, unread("its levels are in encoding %d, which is not read; write the file anew with a recent library", p.levels[which])
		}
		if len(body) < 4 {
			return nil, nil, errValues
		}
		n, body = int64(binary.LittleEndian.Uint32(body)), body[4:]
	}
	if n < 0 || n > int64(len(body)) {
		return nil, nil, errValues
	}
	return newHybrid(body[:n], uint(bits.Len16(uint16(highest))), uint32(highest)), body[n:], nil
}

// readDictionary decodes a page that others refer to.
func (c *chunk[V]) readDictionary(p page) error {
	if c.dictionary != nil || c.large != nil {
		return errors.New("it has two dictionaries")
	}
	if p.large != nil {
		large, err := newLargeDictionary(p)
		c.large = large
		return err
	}
	size := int64(4) // of the length of a byte array
	if n, _, ok := fixedSize[V](c.leaf); ok {
		size = int64(n)
	}
	if p.values > int64(len(p.data))/size {
		return fmt.Errorf("its dictionary claims %d entries in %d bytes", p.values, len(p.data))
	}
	p.encoding = parquet.Encodings.Plain // old files call it PLAIN_DICTIONARY
	plain, err := c.decoder(p, p.data)
	if err != nil {
		return err
	}
	c.dictionary = make([]V, p.values)
	return plain.decode(c.dictionary)
}

// decoder reads the values of a page in its encoding.
func (c *chunk[V]) decoder(p page, body []byte) (decoder[V], error) {
	size, get, fixed := fixedSize[V](c.leaf)
	var d any
	var err error
	switch t, e := c.leaf.PhysicalType(), p.encoding; {
	case len(body) == 0: // nothing but NULLs
		return noValues[V]{}, nil
	case (e == parquet.Encodings.PlainDict || e == parquet.Encodings.RLEDict) && c.large != nil:
		d, err = c.large.page(body)
	case e == parquet.Encodings.PlainDict || e == parquet.Encodings.RLEDict:
		return newDictionary(c.dictionary, body)
	case e == parquet.Encodings.Plain && fixed:
		return &plainFixed[V]{body, size, get}, nil
	case e == parquet.Encodings.Plain && t == parquet.Types.ByteArray:
		d = &plainBytes{body}
	case e == parquet.Encodings.Plain && t == parquet.Types.Boolean:
		d = newPlainBits(body)
	case e == parquet.Encodings.RLE && t == parquet.Types.Boolean:
		if len(body) < 4 { // the length, which the page's end tells as well
			return nil, errValues
		}
		d = &plainBits{newHybrid(body[4:], 1, 1)}
	case e == byteStreamSplit && fixed:
		return newSplit(body, size, get), nil
	case e == parquet.Encodings.DeltaBinaryPacked && (t == parquet.Types.Int32 || t == parquet.Types.Int64):
		d, err = newDeltaNumbers[V](body)
	case (e == parquet.Encodings.DeltaLengthByteArray || e == parquet.Encodings.DeltaByteArray) && t == parquet.Types.ByteArray:
		d, err = newDeltaBytes(body, p.values, e == parquet.Encodings.DeltaByteArray)
	}
	if err != nil {
		return nil, err
	}
	if typed, ok := d.(decoder[V]); ok {
		return typed, nil
	}
	return nil, unread("its values are in encoding %d, which is not read for %s; write the file with plain encoding", p.encoding, c.leaf.PhysicalType())
}

// byteStreamSplit is BYTE_STREAM_SPLIT of parquet.thrift, which the library names but does not read.
const byteStreamSplit parquet.Encoding = 9
