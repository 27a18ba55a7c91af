package boltstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/commitlog"
	"github.com/graphrun/graphrun/runtime/internal/place"
)

// Options of a store. The zero value is a good choice.
type Options struct {
	// Durability is what a commit promises. Defaults to DurabilityWave.
	//
	// Under DurabilityCycle and DurabilityNone nothing is lost when the process
	// dies. A power cut may then not only lose the commits since the last fsync
	// but damage the file, since its pages reach the disk in any order: the
	// next Open says so. Back up what must not be lost.
	Durability runtime.Durability
	// Logger gets a line for what an operator should know. Defaults to none.
	Logger *slog.Logger
	// MaxSize is the size in bytes beyond which the file does not grow: commits
	// fail then as they do on a full disk. Defaults to no limit.
	MaxSize int
	// LockTimeout is how long Open waits for another owner to go. Defaults to 1 s.
	LockTimeout time.Duration
	// CreatedBy is written into a new file: a program and its version. Defaults
	// to "graphrun".
	CreatedBy string
	// ReadOnly opens a store for questions alone: whatever changes it fails with
	// ErrReadOnly. That takes about half the time, because nobody has to know which pages
	// are free. A file of an older format is opened as without ReadOnly, since it has to be
	// brought to the present one. The file must be there.
	ReadOnly bool
}

// ErrReadOnly is the error of what would change a store that was opened with
// Options.ReadOnly.
var ErrReadOnly = errors.New("the store was opened to be read only")

func (o Options) withDefaults() (Options, error) {
	switch o.Durability {
	case "":
		o.Durability = runtime.DurabilityWave
	case runtime.DurabilityWave, runtime.DurabilityCycle, runtime.DurabilityNone:
	default:
		return o, fmt.Errorf("runtime: durability %q, expected wave, cycle or none", o.Durability)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = time.Second
	}
	if o.CreatedBy == "" {
		o.CreatedBy = "graphrun"
	}
	return o, nil
}

// Store is a runtime.Store in one file. Safe for concurrent use.
type Store struct {
	path string
	opts Options
	id   string
	// opened is another one each time: part of the ids of memories.
	opened string
	db     *bolt.DB
	file   *owned // bbolt closes it
	at     *place.Place

	mu      sync.Mutex
	work    sync.Cond // there may be something to do for the writer
	queue   []*request
	writing bool     // somebody writes, or lets others in; nobody else writes then
	busy    bool     // a group is being written
	waiting []func() // whom to tell when it is
	closed  bool
	failed  *runtime.StoreError // why nothing is done any more
	lookout *time.Timer         // of look
	onStop  []func(error)       // who wants to know
	wedged  chan struct{}       // closed when bbolt's locks may be lost
	written chan struct{}       // closed when the writer has ended

	ends ends // of cycles

	entry sync.Mutex // held to begin a read, and to write on a caller's goroutine

	shapes shapes

	tail     tail
	log      atomic.Pointer[commitlog.Log] // nil before the first commit
	bringing sync.Mutex                    // held to bring the tail into bbolt
	want     atomic.Pointer[error]         // bbolt has found no room
	mark     commitlog.Mark                // that bbolt has; of whoever has bringing

	// What follows belongs to the writer.
	stage     stage
	heads     heads
	headBuf   []byte
	frames    [][]byte
	exclusive bool // it has s.bringing
	unsynced  bool // the last group was not forced to disk
}

// Open opens a store and owns it until Close; a path where nothing is becomes
// a new one, with its folder. Every error over the file is a
// *runtime.StoreError: another owner (by its process id), no permission, no
// file of graphrun, damage, a newer format. The file is then as it was.
//
// A file is looked through before it is used: about a second for 1 GB.
func Open(path string, opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, opts: opts, opened: rand.Text(), wedged: make(chan struct{}), written: make(chan struct{})}
	s.work.L = &s.mu
	if err := s.open(); err != nil {
		var known *runtime.StoreError
		if errors.As(err, &known) {
			return nil, known
		}
		return nil, &runtime.StoreError{Path: path, Err: fmt.Errorf("database %q %w", path, err)}
	}
	go s.writeAll()
	s.mu.Lock()
	s.lookout = time.AfterFunc(lookEvery, s.look)
	s.mu.Unlock()
	if opts = s.opts; opts.ReadOnly {
		return s, nil
	}
	if err := s.sweep(context.Background()); err != nil {
		opts.Logger.Warn("cannot delete all rows of removed stacks", "path", path, "error", err)
	}
	opts.Logger.Debug("store opened", "path", path, "durability", string(opts.Durability))
	return s, nil
}

// ID is the random name that the file got when it was made.
func (s *Store) ID() string { return s.id }

// Path is where the store was opened.
func (s *Store) Path() string { return s.path }

// open ends with an error that continues the sentence "database PATH …".
func (s *Store) open() error {
	if _, err := os.Stat(s.path); errors.Is(err, os.ErrNotExist) && !s.opts.ReadOnly {
		if err := create(s.path, s.opts.CreatedBy); err != nil {
			return fmt.Errorf("cannot be made: %w", err)
		}
	}
	f, err := acquire(s.path, s.opts.LockTimeout)
	if err != nil {
		return err
	}
	if err := s.start(f); err != nil {
		_ = f.Close() // gives the locks back; the error at hand says more
		if errors.Is(err, errOlder) {
			s.opts.ReadOnly = false
			return s.open()
		}
		return err
	}
	if err := f.sign(); err != nil {
		s.opts.Logger.Warn("cannot note who owns the store", "path", ownerPath(s.path), "error", err)
	}
	removeUnfinished(s.path)
	return nil
}

// start checks a locked file and hands it to bbolt.
func (s *Store) start(f *owned) (err error) {
	if err := checkFile(f.File); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = s.broken(p)
		}
	}()
	if s.at, err = place.Of(f, f.path); err != nil {
		return err
	}
	s.file = f
	s.db, err = bolt.Open(s.path, 0o600, s.boltOptions(f.File))
	if errors.Is(err, berrors.ErrTimeout) {
		return inUse(s.path)
	}
	if err != nil {
		return fmt.Errorf("cannot be opened: %w", err)
	}
	s.db.AllocSize = growBy
	if err := s.adopt(); err != nil {
		_ = s.db.Close()
		return err
	}
	return nil
}

// adopt makes the file one of this format, with all that is in its log.
func (s *Store) adopt() error {
	m, err := readMarker(s.db)
	if err != nil {
		return err
	}
	s.id = m.ID
	if m.Format < format {
		if s.opts.ReadOnly {
			return errOlder
		}
		if err := m.raise(s.db); err != nil {
			return fmt.Errorf("cannot be brought to format %d: %w", format, err)
		}
	}
	return s.recover()
}

// errOlder says that a file has to be brought to the present format before it is read.
var errOlder = errors.New("it has an older format")

// boltOptions makes bbolt work on the file that was locked and checked. The
// list of free pages is not stored: after much was deleted it would be the
// largest part of every commit.
func (s *Store) boltOptions(f *os.File) *bolt.Options {
	return &bolt.Options{
		InitialMmapSize: s.mapSize(),
		Timeout:         s.opts.LockTimeout,
		FreelistType:    bolt.FreelistMapType,
		NoFreelistSync:  true,
		MaxSize:         s.opts.MaxSize,
		ReadOnly:        s.opts.ReadOnly,
		OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	}
}

// mapAhead is how much of the address space the file is mapped to from the beginning. A map
// that has to grow waits for all readers, and copies what the transaction has touched.
const mapAhead = 256 << 20

// growBy is how much longer than it has to be the file becomes when it grows, so that it
// does not grow with every transaction. bbolt would take 16 MB under a map as large as ours.
const growBy = 1 << 20

// mapSize is 0 where a map cannot be larger than its file, or where there is little address
// space.
func (s *Store) mapSize() int {
	if goruntime.GOOS == "windows" || strconv.IntSize < 64 || s.opts.MaxSize > 0 {
		return 0
	}
	return mapAhead
}

// Commit brings one commit into the store. See runtime.Store.
func (s *Store) Commit(ctx context.Context, c runtime.Commit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Stack == "" || len(c.Stack) > maxStackName || !utf8.ValidString(c.Stack) {
		return fmt.Errorf("runtime: stack %q: expected a name of 1 to %d bytes of UTF-8", c.Stack, maxStackName)
	}
	if err := runtime.CheckMemories(c); err != nil {
		return err
	}
	e := newEncoder()
	ready, err := e.commit(c)
	if err != nil {
		e.free()
		return fmt.Errorf("runtime: stack %q: %w", c.Stack, err)
	}
	if err = s.submit(asksForDisk(&c), ready.apply); !s.isWedged() { // else the writer may still use it
		if err == nil && len(c.Records) > 0 {
			s.ends.note(c.Stack, ready.apart)
		}
		e.free()
	}
	if err == nil && ready.shape != nil {
		s.shapes.noteStored(c.Cursor.Hash, ready.shape.ID())
	}
	return err
}

const maxStackName = 1024

// Close waits for what is under way, forces it to disk whatever the
// durability, and gives the file free. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	if s.lookout != nil {
		s.lookout.Stop()
	}
	s.work.Signal()
	s.mu.Unlock()
	select {
	case <-s.written:
	case <-s.wedged:
	}
	wedged := s.isWedged()

	var err error
	if !wedged {
		err = s.endLog()
	}
	s.file.release()
	if wedged {
		return errors.Join(err, s.file.Close())
	}
	if err = errors.Join(err, s.db.Close()); err != nil {
		return s.fatal(err)
	}
	return nil
}

// syncDir makes a folder's entries durable.
func syncDir(dir string) error {
	d, err := patiently(context.Background(), func() (*os.File, error) { return os.Open(filepath.Clean(dir)) })
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
