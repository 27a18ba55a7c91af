package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
)

// Options say where a log is and how its files grow. Zeros are the defaults.
type Options struct {
	Path        string // of the database; the files are beside it
	Store       string // the id of the database, at most 255 bytes
	SegmentSize int64  // what a file is cut to when it is used again; 16 MiB
	MaxSize     int64  // what a segment never grows beyond; 1 GiB, at most 4 GiB
	FirstPiece  int64  // how much of a file is filled with zeros first; 256 KiB
	Piece       int64  // up to how much is filled at once later, twice as much each time; 4 MiB

	disk disk // nil means that of the system
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value    *int64
		standard int64
	}{{&o.SegmentSize, 16 << 20}, {&o.MaxSize, 1 << 30}, {&o.FirstPiece, 256 << 10}, {&o.Piece, 4 << 20}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	o.MaxSize = min(o.MaxSize, sizeLimit)
	if o.disk == nil {
		o.disk = system{}
	}
	return o
}

// Log is a log that is appended to. One goroutine at a time may call Append and Rotate,
// and none while another is in Close; the other methods may be called at any time.
type Log struct {
	o    Options
	mark Mark

	// These belong to the goroutine that appends.
	seal    *sealer
	pos     int64 // where the next frame goes
	durable int64 // up to here the segment is on disk
	buf     []byte
	size    atomic.Int64

	mu       sync.Mutex // over what follows
	files    [slots]*segment
	current  int // the file that is appended to
	released uint64
	spare    uint64 // segments up to here are of no use even to a database that lost its last write
	failed   error
}

// Start begins the segment after those that Recover read. m is what the database says now:
// it has to have all that Recover gave. Every file that is there is deleted.
//
// The database has to have the mark of Log.Mark before the first Append.
func Start(o Options, m Mark, r Recovered) (*Log, error) {
	switch {
	case !r.looked:
		return nil, errors.New("commitlog: Start needs what Recover found")
	case m.Applied < r.Epoch:
		return nil, fmt.Errorf("commitlog: the database has the segments up to %d, and not %d, which Recover read", m.Applied, r.Epoch)
	}
	l := &Log{o: o.withDefaults(), released: m.Applied, spare: m.Applied}
	for _, path := range Files(o.Path) {
		if err := l.o.disk.remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	h := header{store: o.Store, epoch: m.Applied + 1, nonce: newNonce()}
	if err := l.add(0, h); err != nil {
		return nil, refused(err)
	}
	l.mark = Mark{Applied: m.Applied, Nonce: h.nonce}
	l.enter(0)
	return l, nil
}

// add makes a new file and begins a segment in it. It is complete and on disk before it
// can be found.
func (l *Log) add(slot int, h header) error {
	path := Files(l.o.Path)[slot]
	f, err := l.o.disk.create(path)
	if err != nil {
		return err
	}
	s, err := newSegment(f, path)
	if err == nil {
		err = s.begin(&l.o, h)
	}
	if err == nil {
		err = l.o.disk.syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		_ = l.o.disk.remove(path)
		return err
	}
	l.mu.Lock()
	l.files[slot] = s
	l.mu.Unlock()
	return nil
}

// finish writes the end frame of the current segment, which names the next one, and brings
// it to disk. There is room for it.
func (l *Log) finish(s *segment, next Nonce) error {
	if _, err := s.WriteAt(l.seal.frame(nil, l.pos, l.durable, endBit, next[:]), l.pos); err != nil {
		return err
	}
	return s.force()
}

// enter makes a file the one that is appended to.
func (l *Log) enter(slot int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = slot
	l.seal = newSealer(l.files[slot].nonce)
	l.pos, l.durable = headerSize, headerSize
	l.size.Store(l.pos)
}

// Mark is the mark that the database has to have before the first Append.
func (l *Log) Mark() Mark { return l.mark }

// Size is the length of the current segment in bytes, its header included.
func (l *Log) Size() int64 { return l.size.Load() }

// Append writes a group of frames, in one write, and brings them and all before them to
// disk if sync is set; without payloads it does only that. The payloads are copied.
//
// Room for the group is made before a byte of it is written. If there is none, the error
// is ErrNoRoom, nothing has changed, and the log can be used. After any other error nobody
// knows what is on disk: the log gives that error from then on.
func (l *Log) Append(payloads [][]byte, sync bool) error {
	if err := l.failure(); err != nil {
		return err
	}
	s := l.active()
	end := l.pos
	for _, p := range payloads {
		end += frameSize + int64(len(p))
	}
	// The end frame always finds room, so that a full disk does not keep the segment from
	// ending.
	if end+endSize > l.o.MaxSize {
		return fmt.Errorf("%w: the segment would have %d bytes, at most %d are allowed", ErrNoRoom, end, l.o.MaxSize)
	}
	if err := s.room(&l.o, end+endSize); err != nil {
		return l.fail(err)
	}
	if len(payloads) > 0 {
		l.buf = l.buf[:0]
		for _, p := range payloads {
			l.buf = l.seal.frame(l.buf, l.pos+int64(len(l.buf)), l.durable, 0, p)
		}
		if _, err := s.WriteAt(l.buf, l.pos); err != nil {
			return l.fatal(err) // a part of the group may be there
		}
		if cap(l.buf) > chunk {
			l.buf = nil
		}
	}
	if sync {
		if err := s.force(); err != nil {
			return l.fatal(err)
		}
		l.durable = end
	}
	l.pos = end
	l.size.Store(end)
	return nil
}

// Rotate ends the current segment, whose epoch it gives, and begins the next one. next is
// the mark that the database writes when it has everything of that epoch. All that was
// appended is on disk then, synced or not.
//
// Rotate never waits. If the segment before the current one is not released, the error is
// ErrBehind; if there is no room for another file, it is ErrNoRoom. Nothing has changed
// then. Any other error is fatal, as one of Append.
func (l *Log) Rotate() (epoch uint64, next Mark, err error) {
	if err := l.failure(); err != nil {
		return 0, Mark{}, err
	}
	s := l.active()
	epoch = s.epoch.Load()
	h := header{store: l.o.Store, epoch: epoch + 1, nonce: newNonce(), before: s.nonce}
	slot, err := l.begin(h)
	if err != nil {
		return 0, Mark{}, err
	}
	if err := l.finish(s, h.nonce); err != nil {
		return 0, Mark{}, l.fatal(err)
	}
	l.enter(slot)
	return epoch, Mark{Applied: epoch, Nonce: h.nonce}, nil
}

// begin begins the next segment in a file that is free.
func (l *Log) begin(h header) (slot int, err error) {
	l.mu.Lock()
	behind := l.released+2 < h.epoch
	spare, absent, last := -1, -1, -1
	for i, s := range slices.Backward(l.files[:]) {
		switch {
		case s == nil:
			absent = i
		case s.epoch.Load() <= l.spare:
			spare = i
		case s.epoch.Load() <= l.released && (last < 0 || s.epoch.Load() < l.files[last].epoch.Load()):
			last = i
		}
	}
	l.mu.Unlock()
	if behind {
		return 0, ErrBehind
	}
	if spare < 0 && absent >= 0 {
		err := l.add(absent, h)
		if err == nil || !noRoom(err) || last < 0 {
			return absent, l.fail(err)
		}
	}
	if spare < 0 { // there is no room for a file more
		spare = last
	}
	return spare, l.fail(l.files[spare].begin(&l.o, h))
}

// Release says that the database has everything up to an epoch that Rotate gave, and the
// mark that says so.
func (l *Log) Release(epoch uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if current := l.files[l.current].epoch.Load(); epoch >= current {
		return fmt.Errorf("commitlog: segment %d cannot be released, %d is the current one", epoch, current)
	}
	if epoch > l.released {
		l.spare, l.released = l.released, epoch
	}
	return nil
}

// Check reports that a file that is needed is not at its path any more, or not all of it.
// The error continues the sentence `database "PATH" …`.
func (l *Log) Check() error {
	l.mu.Lock()
	files, released := l.files, l.released
	l.mu.Unlock()
	for _, s := range files {
		if s != nil && s.epoch.Load() > released {
			if _, err := s.at.Check(); err != nil {
				return fmt.Errorf("has lost its log: %q %w", s.at.Path, err)
			}
		}
	}
	return nil
}

// Close closes the files, and deletes them if remove is set: the database has everything
// then, and a mark that is Clean.
func (l *Log) Close(remove bool) error {
	err := l.close()
	if remove {
		err = errors.Join(err, Remove(l.o.Path))
	}
	return err
}

func (l *Log) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for i, s := range l.files {
		if s != nil {
			errs = append(errs, s.Close())
			l.files[i] = nil
		}
	}
	if l.failed == nil {
		l.failed = ErrClosed
	}
	return errors.Join(errs...)
}

func (l *Log) active() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[l.current]
}

func (l *Log) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// refused makes the want of room what it is called here.
func refused(err error) error {
	if noRoom(err) {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return err
}

// fail keeps an error for ever, unless it is a want of room.
func (l *Log) fail(err error) error {
	if err == nil || noRoom(err) {
		return refused(err)
	}
	return l.fatal(err)
}

func (l *Log) fatal(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("its log cannot be written: %w", err)
	}
	return l.failed
}

// Epoch is that of the current segment.
func (l *Log) Epoch() uint64 { return l.active().epoch.Load() }
