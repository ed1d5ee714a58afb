package column

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"sync"

	"github.com/apache/arrow/go/v15/parquet"
)

// maxLargeEntries bounds the entries of a dictionary that stays on disk; the place of each takes 8 bytes.
const maxLargeEntries = 1 << 24

// spills are the temporary files of a File, which have no names and so vanish with the process at the latest.
type spills struct {
	mu   sync.Mutex
	open map[*os.File]bool
}

func (s *spills) create() (*os.File, error) {
	f, err := os.CreateTemp("", "upi-page-*")
	if err != nil {
		return nil, fmt.Errorf("make room for a large page: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("make room for a large page: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*os.File]bool{}
	}
	s.open[f] = true
	return f, nil
}

func (s *spills) close(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[f] {
		delete(s.open, f)
		f.Close()
	}
}

func (s *spills) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.open {
		f.Close()
	}
	s.open = nil
}

// readLarge makes the bytes of a page readable without holding them: in the file itself where they are stored as they are, else
// decompressed in a temporary file (in the folder that TMPDIR names).
func (p *pages) readLarge(h *page, stored bool) error {
	if p.spills == nil {
		return unread("a page of %d bytes is above the %d that are read of such a column; write the file with smaller pages", max(h.uncompressed, h.compressed), maxPage)
	}
	at := p.at
	p.at += h.compressed
	section := func() io.Reader { return bufio.NewReaderSize(io.NewSectionReader(p.source, at, h.compressed), 1<<20) }
	if h.hasChecksum {
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, section()); err != nil {
			return err
		}
		if sum.Sum32() != h.checksum {
			return errChecksum
		}
	}
	if stored {
		h.large = io.NewSectionReader(p.source, at, h.compressed)
		return nil
	}
	plain, err := h.plain()
	if err != nil {
		return err
	}
	out, err := p.spill(h.kind)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	packed := section()
	if _, err := io.CopyN(w, packed, plain); err != nil {
		return err
	}
	if err := unpackTo(w, packed, codecs[p.codec], h.uncompressed-plain); err != nil {
		return fmt.Errorf("a page does not decompress: %w", err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("make room for a large page: %w", err)
	}
	h.large = io.NewSectionReader(out, 0, h.uncompressed)
	return nil
}

func unpackTo(w io.Writer, packed io.Reader, c codec, want int64) error {
	r, err := c.stream(packed)
	if err != nil {
		return err
	}
	if closer, ok := r.(io.Closer); ok {
		defer closer.Close()
	}
	if n, err := io.CopyN(w, r, want); err != nil {
		return fmt.Errorf("%w: %d bytes of %d: %w", errLength, n, want, err)
	}
	return ended(r)
}

// spill is a file for a page; that of the page before is given up, but for the dictionary's.
func (p *pages) spill(kind int64) (*os.File, error) {
	f, err := p.spills.create()
	if err != nil {
		return nil, err
	}
	if kind == pageDictionary {
		p.held = append([]*os.File{f}, p.held...)
		return f, nil
	}
	if n := len(p.held); p.heldPage {
		p.spills.close(p.held[n-1])
		p.held = p.held[:n-1]
	}
	p.held, p.heldPage = append(p.held, f), true
	return f, nil
}

// close gives up what large pages of the chunk hold on disk.
func (c *chunk[V]) close() {
	if c == nil {
		return
	}
	for _, f := range c.pages.held {
		c.pages.spills.close(f)
	}
	c.pages.held = nil
}

// front reads the levels before the values of a large page, and leaves it with the values.
func (p *page) front(leaf Leaf) ([]byte, error) {
	length := p.lengths[0] + p.lengths[1]
	if p.kind == pageData {
		length = 0
		for _, highest := range []int16{leaf.MaxRepetitionLevel(), leaf.MaxDefinitionLevel()} {
			if highest == 0 {
				continue
			}
			var size [4]byte
			if _, err := p.large.ReadAt(size[:], length); err != nil {
				return nil, errValues
			}
			length += 4 + int64(binary.LittleEndian.Uint32(size[:]))
		}
	}
	if length < 0 || length > min(p.large.Size(), maxPage) {
		return nil, errValues
	}
	front := make([]byte, length)
	if _, err := p.large.ReadAt(front, 0); err != nil && length > 0 {
		return nil, err
	}
	p.large = io.NewSectionReader(p.large, length, p.large.Size()-length)
	return front, nil
}

// largeDecoder reads the values of a large page one by one.
func (c *chunk[V]) largeDecoder(p page) (decoder[V], error) {
	if p.encoding != parquet.Encodings.Plain {
		return nil, unread("a page of %d bytes is above the %d that are read in encoding %d; write the file with smaller pages, or with plain encoding",
			p.uncompressed, maxPage, p.encoding)
	}
	var d any = &largeBytes{r: bufio.NewReaderSize(p.large, 1<<16), left: p.large.Size()}
	return d.(decoder[V]), nil // a page of another type is not read as a large one
}

// largeBytes decodes byte arrays, each behind its length. A value lives until the next one.
type largeBytes struct {
	r    *bufio.Reader
	left int64
	buf  []byte
}

func (d *largeBytes) decode(dst []parquet.ByteArray) error {
	for i := range dst {
		var size [4]byte
		if _, err := io.ReadFull(d.r, size[:]); err != nil {
			return errValues
		}
		n := int64(binary.LittleEndian.Uint32(size[:]))
		if d.left -= 4 + n; d.left < 0 {
			return errValues
		}
		if n > maxPage {
			return unread("a value of %d bytes is above the %d that are read", n, maxPage)
		}
		d.buf = sized(d.buf, int(n), len(dst))
		if _, err := io.ReadFull(d.r, d.buf); err != nil {
			return errValues
		}
		dst[i] = d.buf
	}
	return nil
}

// sized is a buffer of n bytes: the old one where one value is asked for at a time.
func sized(old []byte, n, values int) []byte {
	if values > 1 || cap(old) < n {
		return make([]byte, n)
	}
	return old[:n]
}

// largeDictionary knows where its entries lie on disk.
type largeDictionary struct {
	source *io.SectionReader
	starts []int64
}

func newLargeDictionary(p page) (*largeDictionary, error) {
	if p.values > maxLargeEntries {
		return nil, unread("a dictionary of %d bytes and %d entries is above the %d entries that are read of one so large; write the file without a dictionary",
			p.uncompressed, p.values, maxLargeEntries)
	}
	d := &largeDictionary{source: p.large, starts: make([]int64, 0, p.values)}
	r, at := bufio.NewReaderSize(p.large, 1<<16), int64(0)
	for range p.values {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return nil, errValues
		}
		n := int64(binary.LittleEndian.Uint32(size[:]))
		if n > p.large.Size()-at-4 || n > math.MaxInt32 {
			return nil, errValues
		}
		if _, err := r.Discard(int(n)); err != nil {
			return nil, errValues
		}
		d.starts = append(d.starts, at)
		at += 4 + n
	}
	return d, nil
}

// page reads a page that refers to the dictionary.
func (d *largeDictionary) page(body []byte) (*largeReferences, error) {
	indices, err := dictionaryIndices(body)
	return &largeReferences{dictionary: d, indices: indices}, err
}

type largeReferences struct {
	dictionary *largeDictionary
	indices    *hybrid
	buf        []byte
}

func (d *largeReferences) decode(dst []parquet.ByteArray) error {
	for i := range dst {
		v, err := d.indices.next()
		if err != nil {
			return err
		}
		if int64(v) >= int64(len(d.dictionary.starts)) {
			return fmt.Errorf("it asks for entry %d of a dictionary of %d", v, len(d.dictionary.starts))
		}
		at := d.dictionary.starts[v]
		var size [4]byte
		if _, err := d.dictionary.source.ReadAt(size[:], at); err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(size[:]))
		if n > maxPage {
			return unread("a value of %d bytes is above the %d that are read", n, maxPage)
		}
		d.buf = sized(d.buf, int(n), len(dst))
		if _, err := d.dictionary.source.ReadAt(d.buf, at+4); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		dst[i] = d.buf
	}
	return nil
}
