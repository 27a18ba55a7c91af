package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Mark is what a database says of its log.
type Mark struct {
	Applied uint64 // everything of this epoch and those before it is in the database
	Nonce   Nonce  // the name of the segment after it; of no meaning if Clean
	Clean   bool   // nothing was logged after it: no segment is needed
}

// Recovered is what Recover found. It goes to Start.
type Recovered struct {
	Epoch  uint64 // of the last segment that was read; Mark.Applied if there was none
	Frames int
	Bytes  int64  // of payloads
	File   string // the last segment; "" if there was none
	End    int64  // where its whole frames end; what is behind had not been forced to disk

	segments []found // in order of epochs
	looked   bool
}

// found is one of the files.
type found struct {
	header
	path string
	kind kind
	size int64
	end  end
}

// Recover reads what the segments hold after the mark and gives each payload in the order
// in which it was written; what each is given may be kept. It changes nothing. An error of
// each ends it. Else its errors are *Damage, *Missing and *Foreign, and those of reading
// files; what was given before an error is of no use then.
//
// The first frame that is not whole ends the log: it was torn by the crash. It is *Damage
// when anything says that it had been forced to disk.
func Recover(o Options, m Mark, each func(payload []byte) error) (r Recovered, err error) {
	files, err := look(o)
	if err != nil {
		return r, err
	}
	r = Recovered{Epoch: m.Applied, looked: true}
	nonce := m.Nonce
	for more := !m.Clean; more; {
		i := named(files, nonce)
		if i < 0 {
			return r, o.without(files, r.Epoch+1, nonce)
		}
		f := files[i]
		if f.epoch != r.Epoch+1 || len(r.segments) > 0 && f.before != r.segments[len(r.segments)-1].nonce {
			return r, &Damage{File: f.path, What: "its header has a name that is another's"}
		}
		if err := f.scan(func(b []byte) error {
			r.Bytes += int64(len(b))
			return each(b)
		}); err != nil {
			return r, err
		}
		files = append(files[:i], files[i+1:]...)
		r.segments = append(r.segments, f)
		r.Epoch, r.File, r.End = f.epoch, f.path, f.end.pos
		r.Frames += f.end.frames
		nonce, more = f.end.next, f.end.closed
	}
	return r, r.rest(files)
}

// rest looks at the files that the mark does not lead to.
func (r *Recovered) rest(files []found) error {
	for _, f := range files {
		if f.kind != whole || f.epoch <= r.Epoch {
			continue // what was left of a segment that the database has
		}
		used, err := f.used()
		switch {
		case err != nil:
			return err
		case !used: // the crash came before it was linked
		case len(r.segments) > 0 && f.before == r.segments[len(r.segments)-1].nonce:
			// Nothing is appended to a segment before the end of the one before is on disk.
			last := r.segments[len(r.segments)-1]
			return &Damage{File: last.path, Byte: last.end.pos, What: fmt.Sprintf("%q continues it, but its end is not there", f.path)}
		default:
			return &Foreign{File: f.path, Why: fmt.Sprintf("the database is an older copy; the log continues with segment %d, the database with %d. Move the log away to use the database without it", f.epoch, r.Epoch+1)}
		}
	}
	return nil
}

func named(files []found, n Nonce) int {
	for i, f := range files {
		if f.kind == whole && f.nonce == n {
			return i
		}
	}
	return -1
}

// without says why a segment is not there.
func (o Options) without(files []found, epoch uint64, nonce Nonce) error {
	var newest *found
	for i, f := range files {
		switch {
		case f.kind == torn:
			return &Damage{File: f.path, What: "the header does not fit its checksum"}
		case f.kind == whole && f.before == nonce:
			return &Missing{Epoch: epoch, Files: Files(o.Path)}
		case f.kind == whole && (newest == nil || f.epoch > newest.epoch):
			newest = &files[i]
		}
	}
	switch {
	case newest == nil:
		return &Missing{Epoch: epoch, Files: Files(o.Path)}
	case newest.epoch < epoch:
		return &Foreign{File: newest.path, Why: fmt.Sprintf("the log is older; it ends with segment %d, and the database needs %d, in which acknowledged commits may be", newest.epoch, epoch)}
	case newest.epoch > epoch:
		return &Foreign{File: newest.path, Why: fmt.Sprintf("the database is an older copy; it needs segment %d, and the log continues with %d", epoch, newest.epoch)}
	}
	return &Foreign{File: newest.path, Why: fmt.Sprintf("segment %d is that of another copy of the database", epoch)}
}

// look reads the headers of the files that are there.
func look(o Options) ([]found, error) {
	var files []found
	for _, path := range Files(o.Path) {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		got, err := readHeader(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, err
		}
		got.path = path
		switch {
		case got.kind == alien:
			return nil, &Foreign{File: path, Why: "the file is no log of a graphrun store; move it away"}
		case got.kind == whole && got.version != version:
			return nil, &Foreign{File: path, Why: fmt.Sprintf("it has log format %d; this program knows format %d", got.version, version)}
		case got.kind == whole && got.store != o.Store:
			return nil, &Foreign{File: path, Why: "it is the log of another store; move it to the database that it belongs to"}
		}
		files = append(files, got)
	}
	return files, nil
}

func readHeader(f *os.File) (got found, err error) {
	info, err := f.Stat()
	if err != nil {
		return got, err
	}
	got.size = info.Size()
	page := make([]byte, min(got.size, headerSize))
	if _, err := io.ReadFull(f, page); err != nil {
		return got, fmt.Errorf("%s: %w", f.Name(), err)
	}
	got.header, got.kind = parseHeader(page)
	return got, nil
}

// scan reads the frames of a segment that the database needs.
func (f *found) scan(each func([]byte) error) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if f.end, err = scan(file, f.size, f.nonce, each); err != nil {
		return err
	}
	if f.end.proof != 0 {
		return &Damage{File: f.path, Byte: f.end.pos, What: fmt.Sprintf("the frame at byte %d says that it had been written", f.end.proof)}
	}
	return nil
}

// used reports whether anything was appended to a segment.
func (f *found) used() (bool, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // it was only read
	r := reader{src: file, size: f.size}
	at, err := r.find(newSealer(f.nonce), headerSize, -1)
	return at != 0, err
}
