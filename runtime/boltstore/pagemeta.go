package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt keeps its numbers as the machine does.
var order = binary.NativeEndian

// The layout of bbolt's first two pages, in bytes from their beginning.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader = 16
	metaSize   = 64
	noFreelist = ^uint64(0)
)

// meta is the part of a meta page that leads to everything else. The two are
// written in turns; the one with the higher transaction counts.
type meta struct {
	pageSize uint32
	root     uint64
	freelist uint64
	high     uint64 // number of pages in use
	txid     uint64
}

var errNoMeta = errors.New("no meta page")

// parseMeta reads the meta part of a page.
func parseMeta(b []byte) (meta, error) {
	if order.Uint32(b) != boltMagic {
		return meta{}, errNoMeta
	}
	m := meta{
		pageSize: order.Uint32(b[8:]),
		root:     order.Uint64(b[16:]),
		freelist: order.Uint64(b[32:]),
		high:     order.Uint64(b[40:]),
		txid:     order.Uint64(b[48:]),
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	switch {
	case sum.Sum64() != order.Uint64(b[metaSize-8:]):
		return m, errors.New("wrong checksum")
	case order.Uint32(b[4:]) != boltVersion:
		return m, fmt.Errorf("bbolt version %d, expected %d", order.Uint32(b[4:]), boltVersion)
	case m.pageSize < 1024 || m.pageSize > 1<<24 || m.pageSize&(m.pageSize-1) != 0:
		return m, fmt.Errorf("page size %d", m.pageSize)
	}
	return m, nil
}

// checkFile looks through a file without mapping it, and finds what would make
// bbolt panic or the process die of a fault: pages that are cut off, out of
// place, in two places or malformed. It reads each page in use once (of large
// values the beginning only) and changes nothing. The values have checksums of
// their own.
//
// Both meta pages must be whole. bbolt would make do with one, and so lose an
// acknowledged commit in silence when the newer one is damaged; a power cut
// does not tear them, since each is within one sector of the disk.
func checkFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	newest, err := readMetas(f, info.Size())
	if err != nil {
		return err
	}
	if err := checkPages(f, newest); err != nil {
		return fmt.Errorf("is damaged: %w", err)
	}
	return nil
}

// readMetas gives the newer meta page. The error continues the sentence
// "database PATH …".
func readMetas(f io.ReaderAt, size int64) (meta, error) {
	first, err0 := readMeta(f, 0)
	if err0 == nil {
		second, err := readMeta(f, int64(first.pageSize))
		if err == nil && second.pageSize != first.pageSize {
			err = fmt.Errorf("page size %d, expected %d", second.pageSize, first.pageSize)
		}
		if err != nil {
			return meta{}, fmt.Errorf("is damaged: meta page 1: %w", err)
		}
		if second.txid > first.txid {
			first = second
		}
		if first.high < 3 || first.high > uint64(size)/uint64(first.pageSize) {
			return meta{}, fmt.Errorf("is cut off: it has %d bytes, expected %d pages of %d", size, first.high, first.pageSize)
		}
		return first, nil
	}
	if _, err := readMeta(f, pageSize); err != nil && errors.Is(err0, errNoMeta) {
		return meta{}, errors.New("is no database of graphrun")
	}
	return meta{}, fmt.Errorf("is damaged: meta page 0: %w", err0)
}

func readMeta(f io.ReaderAt, at int64) (meta, error) {
	var b [metaSize]byte
	if _, err := f.ReadAt(b[:], at+pageHeader); err != nil {
		if errors.Is(err, io.EOF) {
			err = errNoMeta
		}
		return meta{}, err
	}
	return parseMeta(b[:])
}
