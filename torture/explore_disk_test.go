//go:build bbolttrace

package torture

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// image is what is on a disk: names of files, and what is in them.
type image struct {
	names map[string]int
	data  map[int][]byte
}

func (r *recording) first() image {
	return image{map[string]int{databaseName: 0}, map[int][]byte{0: r.base}}
}

// clone shares the bytes: do never changes those that are there.
func (i image) clone() image { return image{maps.Clone(i.names), maps.Clone(i.data)} }

// do applies an operation.
func (i image) do(o op) {
	old := i.data[o.file]
	switch o.kind {
	case 'c':
		i.names[o.name] = o.file
	case 'r':
		delete(i.names, o.name)
	case 't': // bbolt only says that the file grows
		size := int(o.at)
		if o.file == 0 {
			size = max(size, len(old))
		}
		i.data[o.file] = append(make([]byte, 0, size), old[:min(size, len(old))]...)[:size]
	case 'w':
		b := make([]byte, max(len(old), int(o.at)+len(o.data)))
		copy(b, old)
		copy(b[o.at:], o.data)
		i.data[o.file] = b
	}
}

// write puts the files into a folder in which there are no others.
func (i image) write(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for name, file := range i.names {
		if err := os.WriteFile(filepath.Join(dir, name), i.data[file], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// liar says which syncs of a disk do nothing; what such a sync should have done is done
// when lag more operations have come.
type liar func(o op) bool

const lag = 25

// disk follows the operations of a run.
type tracedDisk struct {
	stable image
	loose  []op // what is not on disk for certain, in order
	since  []int
	count  int
	lies   liar // nil for a disk that does not lie
}

// next is the next operation of the run.
func (d *tracedDisk) next(o op) {
	d.count++
	switch {
	case o.kind != 's' && o.kind != 'd':
		d.loose, d.since = append(d.loose, o), append(d.since, d.count)
	case d.lies == nil || !d.lies(o):
		d.settle(func(i int) bool {
			entry := d.loose[i].kind == 'c' || d.loose[i].kind == 'r'
			return o.kind == 'd' && entry || o.kind == 's' && !entry && d.loose[i].file == o.file
		})
	}
	if d.lies != nil {
		d.settle(func(i int) bool { return d.since[i] < d.count-lag })
	}
}

// settle brings some of what is loose to disk.
func (d *tracedDisk) settle(done func(i int) bool) {
	var loose []op
	var since []int
	for i, o := range d.loose {
		if done(i) {
			d.stable.do(o)
		} else {
			loose, since = append(loose, o), append(since, d.since[i])
		}
	}
	d.loose, d.since = loose, since
}

// images are states that a crash can leave now: all that is synced is there, and none, all,
// the last, all with the last one torn, or some of the rest, by operations or by sectors.
func (d *tracedDisk) images(rnd *rand.Rand, some int) []image {
	images := []image{d.stable.clone()}
	if len(d.loose) == 0 {
		return images
	}
	last := d.loose[len(d.loose)-1]
	all, only, cut := d.stable.clone(), d.stable.clone(), d.stable.clone()
	for _, o := range d.loose {
		all.do(o)
	}
	only.do(last)
	for _, o := range d.loose[:len(d.loose)-1] {
		cut.do(o)
	}
	if last.kind == 'w' {
		n := rnd.IntN(len(last.data) + 1)
		if last.file == 0 {
			n -= n % 512 // bbolt needs a disk that writes a sector or does not; the log needs none
		}
		last.data = last.data[:n]
		cut.do(last)
	}
	images = append(images, all, only, cut)
	for i := range some {
		part := d.stable.clone()
		for _, o := range d.loose {
			for _, piece := range pieces(o, i%2 == 0) {
				if rnd.IntN(2+i%3) > 0 {
					part.do(piece)
				}
			}
		}
		images = append(images, part)
	}
	return images
}

// pieces splits a write into sectors. A write of zeros behind the end is what has no data.
func pieces(o op, split bool) []op {
	if o.kind != 'w' || !split || len(o.data) > 64<<10 {
		return []op{o}
	}
	var list []op
	for len(o.data) > 0 {
		n := min(512-int(o.at%512), len(o.data))
		piece := o
		piece.data = o.data[:n]
		list = append(list, piece)
		o.at, o.data = o.at+int64(n), o.data[n:]
	}
	return list
}

// memoryDir is a folder whose files are quickly made and synced, where there is one.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "torture")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
