package boltstore

import (
	"errors"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// damaged is a file opened to be read although pages of it cannot be used.
type damaged struct {
	*bolt.DB
	copied string // the mended copy that was opened; "" when the file itself was
	lost   []error
}

func (d *damaged) Close() error {
	err := d.DB.Close()
	if d.copied != "" {
		err = errors.Join(err, os.Remove(d.copied))
	}
	return err
}

// openDamaged opens a file for reading. When pages of it cannot be used, it opens
// a copy at the path spare in which whatever led to them leads to an empty page.
// The error continues the sentence "database PATH …".
func openDamaged(f *os.File, spare string) (*damaged, error) {
	newest, err := anyMeta(f)
	if err != nil {
		return nil, err
	}
	d := &damaged{}
	var mend []int64
	c := &pageChecker{file: f, meta: newest, seen: make([]uint64, newest.high/64+1)}
	c.lost = func(at int64, err error) { mend, d.lost = append(mend, at), append(d.lost, err) }
	if err := c.tree(newest.root, nil, nil, 0); err != nil {
		return nil, fmt.Errorf("cannot be salvaged: nothing in it can be read: %w", err)
	}
	read := f // bbolt closes it
	if len(mend) > 0 {
		d.copied = spare
		if read, err = copyMended(f, spare, newest, mend); err != nil {
			return nil, errors.Join(err, os.Remove(spare))
		}
	}
	d.DB, err = bolt.Open(read.Name(), 0, &bolt.Options{
		ReadOnly: true,
		OpenFile: func(string, int, os.FileMode) (*os.File, error) { return read, nil },
	})
	return d, err
}

// anyMeta gives the newest meta page that is whole, with no more pages than the
// file has.
func anyMeta(f *os.File) (meta, error) {
	first, err0 := readMeta(f, 0)
	second, err1 := readMeta(f, pageSize)
	if err0 != nil && err1 != nil {
		return meta{}, fmt.Errorf("cannot be salvaged: both meta pages: %w", err0)
	}
	if err0 != nil || err1 == nil && second.txid > first.txid {
		first = second
	}
	info, err := f.Stat()
	if err == nil {
		first.high = min(first.high, uint64(info.Size())/uint64(first.pageSize))
	}
	return first, err
}

// copyMended copies a file and has the numbers at some places lead to an empty
// page at its end.
func copyMended(f *os.File, path string, m meta, places []int64) (*os.File, error) {
	to, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	size := int64(m.high) * int64(m.pageSize)
	if _, err = io.Copy(to, io.NewSectionReader(f, 0, size)); err == nil {
		empty := make([]byte, m.pageSize)
		order.PutUint64(empty, m.high)
		order.PutUint16(empty[8:], leafPage)
		_, err = to.WriteAt(empty, size)
	}
	number := order.AppendUint64(nil, m.high)
	for i := 0; i < len(places) && err == nil; i++ {
		_, err = to.WriteAt(number, places[i])
	}
	if err != nil {
		_ = to.Close()
		return nil, err
	}
	return to, nil
}
