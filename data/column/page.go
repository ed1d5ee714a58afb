package column

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
)

// maxPage bounds a page that is held in memory, compressed and not, and so the memory of a cursor (which may hold a dictionary
// beside it). Writers make pages of 1 MB, but measure them only once per thousand values or so: of large pictures they can be
// larger. Such pages stay on disk (large.go), up to the largest that the format can tell.
var maxPage int64 = 256 << 20 // a test makes it small

const maxLargePage = math.MaxInt32

// maxHead bounds the head of a page, most of which is statistics.
const maxHead = 16 << 20

// Kinds of pages.
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3
)

// page is one page of a column chunk.
type page struct {
	kind     int64
	values   int64 // with the NULLs
	encoding parquet.Encoding
	data     []byte            // decompressed
	large    *io.SectionReader // in place of data: the decompressed bytes on disk

	levels         [2]parquet.Encoding // of a data page, version 1: of definition and repetition levels
	lengths        [2]int64            // of a data page, version 2: bytes of definition and repetition levels
	uncompressed   int64
	compressed     int64
	checksum       uint32
	hasChecksum    bool
	isUncompressed bool
}

// pages walks the pages of one column chunk.
type pages struct {
	source   io.ReaderAt
	at, end  int64
	codec    compress.Compression
	head     []byte
	raw, out []byte // reused from page to page; a dictionary gets bytes of its own

	spills *spills    // nil where pages must fit in memory
	held   []*os.File // of large pages: that of the dictionary and that of the last page
	// heldPage tells that the last of held is that of a page.
	heldPage bool
}

func newPages(source io.ReaderAt, at, end int64, codec compress.Compression) (*pages, error) {
	if _, ok := codecs[codec]; !ok && codec != compress.Codecs.Uncompressed {
		return nil, unread("its compression, number %d, is not read; write the file with zstd or snappy", codec)
	}
	return &pages{source: source, at: at, end: end, codec: codec}, nil
}

// next reads the next page. Its data lives until the following call, unless it is a dictionary. It returns io.EOF at the
// end of the chunk.
func (p *pages) next() (page, error) {
	for {
		if p.at >= p.end {
			return page{}, io.EOF
		}
		h, err := p.readHead()
		if err != nil {
			return page{}, err
		}
		if h.uncompressed < 0 || h.uncompressed > maxLargePage || h.compressed < 0 || h.compressed > p.end-p.at {
			return page{}, fmt.Errorf("a page claims %d bytes, %d compressed, where %d are left", h.uncompressed, h.compressed, p.end-p.at)
		}
		switch h.kind {
		case pageData, pageDataV2, pageDictionary:
			if h.values < 0 {
				return page{}, fmt.Errorf("a page claims %d values", h.values)
			}
			return h, p.readBody(&h)
		}
		p.at += h.compressed // an index
	}
}

// readHead reads as much as the head turns out to need.
func (p *pages) readHead() (page, error) {
	for size := 512; ; size *= 4 {
		size = int(min(int64(size), p.end-p.at))
		p.head = slices.Grow(p.head[:0], size)[:size]
		if _, err := p.source.ReadAt(p.head, p.at); err != nil {
			return page{}, err
		}
		c := &compact{buf: p.head, left: maxElements}
		h, err := c.pageHead()
		if err == nil {
			p.at += int64(c.pos)
			return h, nil
		}
		if !errors.Is(err, errShort) || int64(size) == p.end-p.at || size >= maxHead {
			return page{}, fmt.Errorf("a page's head is damaged: %w", err)
		}
	}
}

// readBody reads, checks and decompresses the bytes behind a head.
func (p *pages) readBody(h *page) error {
	stored := p.codec == compress.Codecs.Uncompressed || h.isUncompressed
	if stored && h.compressed != h.uncompressed || !stored && h.uncompressed/codecs[p.codec].ratio > h.compressed {
		return fmt.Errorf("a page claims %d bytes, %d as stored, which cannot be", h.uncompressed, h.compressed)
	}
	if h.uncompressed > maxPage || h.compressed > maxPage {
		return p.readLarge(h, stored)
	}
	out := &p.out
	if h.kind == pageDictionary {
		out = new([]byte)
	}
	*out = slices.Grow((*out)[:0], int(h.uncompressed))[:h.uncompressed]
	h.data = *out
	if stored {
		return p.readRaw(h, h.data)
	}
	p.raw = slices.Grow(p.raw[:0], int(h.compressed))[:h.compressed]
	if err := p.readRaw(h, p.raw); err != nil {
		return err
	}
	plain, err := h.plain()
	if err != nil {
		return err
	}
	copy(h.data, p.raw[:plain])
	if int64(len(p.raw)) == plain && int64(len(h.data)) == plain { // nothing but NULLs: some writers compress no bytes to no bytes
		return nil
	}
	if err := codecs[p.codec].decompress(h.data[plain:], p.raw[plain:]); err != nil {
		return fmt.Errorf("a page does not decompress: %w", err)
	}
	return nil
}

var errChecksum = errors.New("a page's bytes are not those of its checksum")

// plain is the number of bytes at the beginning of a page that are never compressed: the levels of version 2.
func (p page) plain() (int64, error) {
	if p.kind != pageDataV2 {
		return 0, nil
	}
	if p.lengths[0] < 0 || p.lengths[1] < 0 || p.lengths[0]+p.lengths[1] > min(p.compressed, p.uncompressed) {
		return 0, errors.New("a page's levels are longer than it is")
	}
	return p.lengths[0] + p.lengths[1], nil
}

// readRaw reads the bytes of a page as they are stored.
func (p *pages) readRaw(h *page, dst []byte) error {
	if _, err := p.source.ReadAt(dst, p.at); err != nil {
		return err
	}
	p.at += h.compressed
	if h.hasChecksum && crc32.ChecksumIEEE(dst) != h.checksum {
		return errChecksum
	}
	return nil
}

// pageHead reads a PageHeader of parquet.thrift.
func (c *compact) pageHead() (page, error) {
	var h page
	err := c.fields(func(id int64, kind byte) (err error) {
		switch {
		case id == 1 && kind == typeI32:
			h.kind, err = c.integer()
		case id == 2 && kind == typeI32:
			h.uncompressed, err = c.integer()
		case id == 3 && kind == typeI32:
			h.compressed, err = c.integer()
		case id == 4 && kind == typeI32:
			var sum int64
			sum, err = c.integer()
			h.checksum, h.hasChecksum = uint32(sum), true
		case (id == 5 || id == 7 || id == 8) && kind == typeStruct:
			err = c.fields(func(inner int64, kind byte) error { return c.pageField(&h, id, inner, kind) })
		default:
			err = c.skip(kind, 1)
		}
		return err
	})
	return h, err
}

// pageField reads a field of DataPageHeader (5), DictionaryPageHeader (7) or DataPageHeaderV2 (8).
func (c *compact) pageField(h *page, outer, id int64, kind byte) error {
	if outer == 8 && id == 7 && (kind == typeTrue || kind == typeFalse) {
		h.isUncompressed = kind == typeFalse
		return nil
	}
	if kind != typeI32 {
		return c.skip(kind, 2)
	}
	v, err := c.integer()
	switch [2]int64{outer, id} {
	case [2]int64{5, 1}, [2]int64{7, 1}, [2]int64{8, 1}:
		h.values = v
	case [2]int64{5, 2}, [2]int64{7, 2}, [2]int64{8, 4}:
		h.encoding = parquet.Encoding(v)
	case [2]int64{5, 3}:
		h.levels[0] = parquet.Encoding(v)
	case [2]int64{5, 4}:
		h.levels[1] = parquet.Encoding(v)
	case [2]int64{8, 5}:
		h.lengths[0] = v
	case [2]int64{8, 6}:
		h.lengths[1] = v
	}
	return err
}
