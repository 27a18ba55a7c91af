package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// What a page is, and how the entries of its table look.
const (
	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	entrySize    = 16
	bucketEntry  = 0x01
	bucketHeader = 16

	maxKeySize = 32768
	maxDepth   = 64 // of branches and buckets together
	readWhole  = 1 << 16
)

// pageChecker walks the pages that a meta page leads to.
type pageChecker struct {
	file io.ReaderAt
	meta meta
	seen []uint64 // a bit for each page in use
	bufs [maxDepth + 1][]byte
	// lost gets a page that cannot be used, and the place in the file of the number that
	// leads to it; then the walk skips the page. If it is nil, the first such page ends
	// the walk.
	lost func(at int64, err error)
}

// child walks the pages that the number at a place in the file leads to.
func (c *pageChecker) child(at int64, id uint64, low, high []byte, depth int) error {
	err := c.tree(id, low, high, depth)
	if err != nil && c.lost != nil {
		c.lost(at, err)
		return nil
	}
	return err
}

// checkPages walks all buckets from the root and then the list of free pages.
func checkPages(file io.ReaderAt, m meta) error {
	c := &pageChecker{file: file, meta: m, seen: make([]uint64, m.high/64+1)}
	if err := c.tree(m.root, nil, nil, 0); err != nil {
		return err
	}
	if m.freelist == noFreelist {
		return nil
	}
	return c.freelist(m.freelist)
}

// page is a page with its overflow, or the beginning of a large one.
type page struct {
	file  io.ReaderAt
	start int64  // in the file
	size  int64  // with overflow
	buf   []byte // the first bytes
	id    uint64
	flags uint16
	count int
}

// load reads a page and makes sure that it is in use for the first time.
func (c *pageChecker) load(id uint64, depth int) (*page, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("page %d: nested deeper than %d", id, maxDepth)
	}
	if id < 2 || id >= c.meta.high {
		return nil, fmt.Errorf("page %d: not in the file, whose pages are 2 to %d", id, c.meta.high-1)
	}
	unit := int64(c.meta.pageSize)
	p := &page{file: c.file, start: int64(id) * unit, id: id}
	buf, err := c.fill(depth, p.start, unit)
	if err != nil {
		return nil, err
	}
	if self := order.Uint64(buf); self != id {
		return nil, fmt.Errorf("page %d: says that it is page %d", id, self)
	}
	p.flags, p.count = order.Uint16(buf[8:]), int(order.Uint16(buf[10:]))
	overflow := uint64(order.Uint32(buf[12:]))
	if overflow >= c.meta.high-id {
		return nil, fmt.Errorf("page %d: reaches beyond the last page", id)
	}
	p.size = int64(overflow+1) * unit
	for i := id; i <= id+overflow; i++ {
		if c.seen[i/64]&(1<<(i%64)) != 0 {
			return nil, fmt.Errorf("page %d: used twice", i)
		}
		c.seen[i/64] |= 1 << (i % 64)
	}
	if overflow > 0 && p.size <= readWhole {
		if buf, err = c.fill(depth, p.start, p.size); err != nil {
			return nil, err
		}
	}
	p.buf = buf
	return p, nil
}

// fill reads into the buffer of a depth, which parents of deeper ones still use.
func (c *pageChecker) fill(depth int, at, n int64) ([]byte, error) {
	if int64(cap(c.bufs[depth])) < n {
		c.bufs[depth] = make([]byte, n)
	}
	b := c.bufs[depth][:n]
	_, err := c.file.ReadAt(b, at)
	return b, err
}

// bytes gives n bytes of a page; they are known to be within it.
func (p *page) bytes(at, n int64) ([]byte, error) {
	if at+n <= int64(len(p.buf)) {
		return p.buf[at : at+n], nil
	}
	b := make([]byte, n)
	_, err := p.file.ReadAt(b, p.start+at)
	return b, err
}

// entry is a line of a page's table.
type entry struct {
	key      []byte
	child    uint64 // of a branch
	bucket   bool   // of a leaf
	value    int64  // where the value is
	valueLen int64
}

// entry reads line i and checks that all it speaks of is within the page.
func (p *page) entry(i int) (e entry, err error) {
	at := int64(pageHeader + i*entrySize)
	b, err := p.bytes(at, entrySize)
	if err != nil {
		return e, err
	}
	var pos, keyLen int64
	if p.flags == branchPage {
		pos, keyLen = int64(order.Uint32(b)), int64(order.Uint32(b[4:]))
		e.child = order.Uint64(b[8:])
	} else {
		flags := order.Uint32(b)
		if flags > bucketEntry {
			return e, fmt.Errorf("page %d: entry %d has flags %#x", p.id, i, flags)
		}
		e.bucket = flags == bucketEntry
		pos, keyLen, e.valueLen = int64(order.Uint32(b[4:])), int64(order.Uint32(b[8:])), int64(order.Uint32(b[12:]))
	}
	key := at + pos
	e.value = key + keyLen
	if key < int64(pageHeader+p.count*entrySize) || e.value+e.valueLen > p.size || keyLen == 0 || keyLen > maxKeySize {
		return e, fmt.Errorf("page %d: entry %d is not within the page", p.id, i)
	}
	e.key, err = p.bytes(key, keyLen)
	return e, err
}

// entries calls fn for each entry, having checked that keys ascend from low on and
// stay below high. A nil bound is none.
func (p *page) entries(low, high []byte, fn func(i int, e entry) error) error {
	if int64(pageHeader+p.count*entrySize) > p.size {
		return fmt.Errorf("page %d: %d entries do not fit", p.id, p.count)
	}
	last := low
	for i := range p.count {
		e, err := p.entry(i)
		if err != nil {
			return err
		}
		rank := bytes.Compare(last, e.key)
		if rank > 0 || rank == 0 && i > 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			return fmt.Errorf("page %d: key of entry %d is out of order", p.id, i)
		}
		if err := fn(i, e); err != nil {
			return err
		}
		last = e.key
	}
	return nil
}

// tree walks a bucket's pages from id on.
func (c *pageChecker) tree(id uint64, low, high []byte, depth int) error {
	p, err := c.load(id, depth)
	if err != nil {
		return err
	}
	switch p.flags {
	case leafPage:
		return p.entries(low, high, func(_ int, e entry) error {
			if !e.bucket {
				return nil
			}
			return c.bucket(p, e, depth)
		})
	case branchPage:
		return c.branch(p, low, high, depth)
	}
	return fmt.Errorf("page %d: flags %#x, expected a branch or a leaf", id, p.flags)
}

// branch checks the branch itself and then its children, each between its own
// key and the next.
func (c *pageChecker) branch(p *page, low, high []byte, depth int) error {
	if p.count == 0 {
		return fmt.Errorf("page %d: a branch without entries", p.id)
	}
	list := make([]entry, 0, p.count)
	err := p.entries(low, high, func(_ int, e entry) error {
		list = append(list, e)
		return nil
	})
	if err != nil {
		return err
	}
	for i, e := range list {
		end := high
		if i+1 < len(list) {
			end = list[i+1].key
		}
		at := p.start + int64(pageHeader+i*entrySize) + 8
		if err := c.child(at, e.child, e.key, end, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// bucket walks a bucket within a leaf: pages of its own, or one inline.
func (c *pageChecker) bucket(p *page, e entry, depth int) error {
	if e.valueLen < bucketHeader {
		return fmt.Errorf("page %d: bucket %q is too short", p.id, e.key)
	}
	b, err := p.bytes(e.value, bucketHeader)
	if err != nil {
		return err
	}
	if root := order.Uint64(b); root != 0 {
		return c.child(p.start+e.value, root, nil, nil, depth+1)
	}
	err = c.inline(p, e)
	if err != nil && c.lost != nil {
		c.lost(p.start+e.value, err)
		return nil
	}
	return err
}

// inline checks a bucket that is small enough to lie in its leaf.
func (c *pageChecker) inline(p *page, e entry) error {
	if e.valueLen < bucketHeader+pageHeader || e.valueLen > int64(c.meta.pageSize) {
		return fmt.Errorf("page %d: inline bucket %q has %d bytes", p.id, e.key, e.valueLen)
	}
	b, err := p.bytes(e.value+bucketHeader, e.valueLen-bucketHeader)
	if err != nil {
		return err
	}
	in := &page{buf: b, size: int64(len(b)), id: p.id, flags: order.Uint16(b[8:]), count: int(order.Uint16(b[10:]))}
	if in.flags != leafPage {
		return fmt.Errorf("page %d: inline bucket %q is no leaf", p.id, e.key)
	}
	return in.entries(nil, nil, func(_ int, e entry) error {
		if e.bucket {
			return fmt.Errorf("page %d: a bucket within an inline bucket", p.id)
		}
		return nil
	})
}

// freelist checks the list of free pages of a file that another program has
// copied; ours have none.
func (c *pageChecker) freelist(id uint64) error {
	p, err := c.load(id, 0)
	if err != nil {
		return err
	}
	if p.flags != freelistPage {
		return fmt.Errorf("page %d: flags %#x, expected the free list", id, p.flags)
	}
	at, count := int64(pageHeader), int64(p.count)
	if count == 0xFFFF {
		b, err := p.bytes(at, 8)
		if err != nil {
			return err
		}
		at, count = at+8, int64(min(order.Uint64(b), c.meta.high))
	}
	if at+count*8 > p.size {
		return errors.New("the free list is longer than its pages")
	}
	list, err := p.bytes(at, count*8)
	if err != nil {
		return err
	}
	for ; len(list) > 0; list = list[8:] {
		free := order.Uint64(list)
		if free < 2 || free >= c.meta.high || c.seen[free/64]&(1<<(free%64)) != 0 {
			return fmt.Errorf("page %d: free and in use, or out of range", free)
		}
		c.seen[free/64] |= 1 << (free % 64)
	}
	return nil
}
