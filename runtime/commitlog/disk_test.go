package commitlog

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// op is one thing that was done to a traced disk, and what the test had been told and had
// asked for before it.
type op struct {
	kind byte // c create, r remove, w write, t truncate, s sync a file, d sync the folder, - nothing
	name string
	file int
	at   int64
	data []byte
	saw
}

// saw is what a test knows: how many payloads it wrote, how many of them it believes to be
// on disk, and what its database has.
type saw struct {
	wrote, safe, applied int
	mark                 Mark
}

// traced is a disk that remembers what was done to it. Its files are real ones, which are
// never synced.
type traced struct {
	saw   saw
	ops   []op
	files map[string]int // the number of the file that a name leads to
	count int
	base  image // what was there, and on disk, before the first operation

	free int64 // bytes that still fit; -1 is no end
	fail int   // writes until one fails in the middle; -1 is never
	lies bool  // syncs of data do nothing
	sick error // what each sync gives
	used map[int]int64
}

// image is what is on disk: names of files, and what is in them.
type image struct {
	names map[string]int
	data  map[int][]byte
}

func (i image) clone() image {
	c := image{names: maps.Clone(i.names), data: map[int][]byte{}}
	for k, b := range i.data {
		c.data[k] = append([]byte(nil), b...)
	}
	return c
}

// do applies an operation that needs no sync to be seen.
func (i *image) do(o op) {
	switch o.kind {
	case 'c':
		i.names[o.name] = o.file
	case 'r':
		delete(i.names, o.name)
	case 't':
		i.data[o.file] = resized(i.data[o.file], o.at)
	case 'w':
		if end := o.at + int64(len(o.data)); end > int64(len(i.data[o.file])) {
			i.data[o.file] = resized(i.data[o.file], end)
		}
		copy(i.data[o.file][o.at:], o.data)
	}
}

func resized(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// write makes the files of an image in a folder that has no others.
func (i image) write(t *testing.T, dir string) {
	t.Helper()
	old, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range i.names {
		if err := os.WriteFile(filepath.Join(dir, name), i.data[file], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// crash gives what a power cut can leave behind operation n: what was synced, and of the
// rest none, all, all with the last one torn, or anything.
func (d *traced) crash(n int, how int, rnd *rand.Rand) image {
	now := d.base.clone()
	var loose []op
	for _, o := range d.ops[:n] {
		switch o.kind {
		case 's', 'd':
			var left []op
			for _, w := range loose {
				if o.kind == 's' && w.file == o.file && (w.kind == 'w' || w.kind == 't') || o.kind == 'd' && (w.kind == 'c' || w.kind == 'r') {
					now.do(w)
				} else {
					left = append(left, w)
				}
			}
			loose = left
		case '-':
		default:
			loose = append(loose, o)
		}
	}
	for i, o := range loose {
		switch last := i == len(loose)-1; {
		case how == 0:
		case how == 1, how == 2 && !last:
			now.do(o)
		case how == 2:
			for _, piece := range torn1(o, rnd.IntN(len(o.data)+1)) {
				now.do(piece)
			}
		default:
			for _, piece := range sectors(o) {
				if rnd.IntN(how) > 0 {
					now.do(piece)
				}
			}
		}
	}
	return now
}

func torn1(o op, n int) []op {
	if o.kind != 'w' {
		return nil
	}
	o.data = o.data[:n]
	return []op{o}
}

// sectors splits a write into what a disk does in one piece.
func sectors(o op) (list []op) {
	if o.kind != 'w' {
		return []op{o}
	}
	for len(o.data) > 0 {
		n := min(512-o.at%512, int64(len(o.data)))
		piece := o
		piece.data = o.data[:n]
		list = append(list, piece)
		o.at, o.data = o.at+n, o.data[n:]
	}
	return list
}

func (d *traced) add(o op) {
	o.saw = d.saw
	d.ops = append(d.ops, o)
}

func (d *traced) create(path string) (file, error) {
	f, err := system{}.create(path)
	if err != nil {
		return nil, err
	}
	d.count++
	name := filepath.Base(path)
	d.files[name] = d.count
	d.add(op{kind: 'c', name: name, file: d.count})
	return &tracedFile{f, d, d.count}, nil
}

func (d *traced) remove(path string) error {
	err := system{}.remove(path)
	if err == nil {
		name := filepath.Base(path)
		if d.free >= 0 {
			d.free += d.used[d.files[name]]
		}
		d.add(op{kind: 'r', name: name})
		delete(d.files, name)
	}
	return err
}

func (d *traced) syncDir(string) error {
	d.add(op{kind: 'd'})
	return nil
}

type tracedFile struct {
	file
	d *traced
	n int
}

func (f *tracedFile) WriteAt(b []byte, at int64) (int, error) {
	all, fails := len(b), error(nil)
	if d := f.d; d.fail == 0 {
		b, fails = b[:all/2], syscall.EIO
	} else if d.fail--; d.free >= 0 {
		if more := at + int64(len(b)) - f.d.used[f.n]; more > d.free {
			b, fails = b[:max(0, int64(len(b))-(more-d.free))], syscall.ENOSPC
		}
		if more := at + int64(len(b)) - d.used[f.n]; more > 0 {
			d.free -= more
			d.used[f.n] += more
		}
	}
	if len(b) > 0 {
		if _, err := f.file.WriteAt(b, at); err != nil {
			return 0, err
		}
		f.d.add(op{kind: 'w', file: f.n, at: at, data: append([]byte(nil), b...)})
	}
	if fails != nil {
		fails = &os.PathError{Op: "write", Path: "x", Err: fails}
	}
	return len(b), fails
}

func (f *tracedFile) Truncate(size int64) error {
	f.d.add(op{kind: 't', file: f.n, at: size})
	if f.d.free >= 0 && f.d.used[f.n] > size {
		f.d.free += f.d.used[f.n] - size
		f.d.used[f.n] = size
	}
	return f.file.Truncate(size)
}

func (f *tracedFile) Sync() error {
	f.d.add(op{kind: 's', file: f.n})
	return f.d.sick
}

func (f *tracedFile) force() error {
	if f.d.lies {
		return nil
	}
	return f.Sync()
}

// begin forgets what was done: what is in an image is what there is, on disk.
func (d *traced) begin(t *testing.T, dir string, from image) {
	t.Helper()
	from.write(t, dir)
	d.base, d.ops, d.files, d.used = from, nil, maps.Clone(from.names), map[int]int64{}
	for name, file := range from.names {
		d.used[file] = int64(len(from.data[file]))
		d.count = max(d.count, file)
		_ = name
	}
}
