package column

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decompress fills dst, whose length the page's head announced, from src. More or fewer bytes are an error, and no more than
// dst is ever made.
type decompress func(dst, src []byte) error

// codec is a compression with the most bytes that one compressed byte can stand for, so that a page that claims more is
// refused before room is made for it.
type codec struct {
	decompress
	ratio int64
	// stream decompresses what is too large to be held in memory, from a reader that ends where the bytes do.
	stream func(io.Reader) (io.Reader, error)
}

// codecs has a line for each compression that is read.
var codecs = map[compress.Compression]codec{
	compress.Codecs.Snappy: {unsnappy, 22, streamSnappy},
	compress.Codecs.Gzip:   {whole(streamGzip), 1032, streamGzip},
	compress.Codecs.Brotli: {whole(streamBrotli), 1 << 22, streamBrotli},
	compress.Codecs.Zstd:   {unzstd, 1 << 17, streamZstd},
	lz4Raw:                 {unlz4, 256, streamLZ4},
}

func streamGzip(src io.Reader) (io.Reader, error) { return gzip.NewReader(src) }

func streamBrotli(src io.Reader) (io.Reader, error) { return brotli.NewReader(src), nil }

func streamZstd(src io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(src, zstd.WithDecoderMaxMemory(maxLargePage), zstd.WithDecoderMaxWindow(256<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// lz4Raw is LZ4_RAW of parquet.thrift, which the library does not know. The older LZ4 has several framings and is not read.
const lz4Raw compress.Compression = 7

var errLength = errors.New("it does not decompress to the length it announces")

func unsnappy(dst, src []byte) error {
	if n, err := snappy.DecodedLen(src); err != nil || n != len(dst) {
		return errors.Join(errLength, err)
	}
	_, err := snappy.Decode(dst, src)
	return err
}

func unlz4(dst, src []byte) error {
	n, err := lz4.UncompressBlock(src, dst)
	if err == nil && n != len(dst) {
		err = errLength
	}
	return err
}

func whole(open func(io.Reader) (io.Reader, error)) decompress {
	return func(dst, src []byte) error {
		r, err := open(bytes.NewReader(src))
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(r, dst); err != nil {
			return errors.Join(errLength, err)
		}
		return ended(r)
	}
}

// ended reads past the last byte: only there are checksums compared.
func ended(r io.Reader) error {
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n != 0:
		return errLength
	case err != io.EOF:
		return err
	}
	return nil
}

// zstdDecoder is shared: DecodeAll may be called from several goroutines, and its output is bounded by the room in dst.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(uint64(maxPage)), zstd.WithDecoderConcurrency(0))
})

func unzstd(dst, src []byte) error {
	d, err := zstdDecoder()
	if err != nil {
		return err
	}
	out, err := d.DecodeAll(src, dst[:0:len(dst)])
	if err != nil {
		return err
	}
	if len(out) != len(dst) {
		return errLength
	}
	if len(out) > 0 && &out[0] != &dst[0] {
		return fmt.Errorf("%w: more than %d bytes", errLength, len(dst))
	}
	return nil
}
