package boltstore

import (
	"encoding/binary"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/commitlog"
)

// The log is in front of bbolt: a commit is acknowledged when its frame is in the log, and
// seen by readers from then on. The tail is what bbolt lacks. It is brought into bbolt in the
// background, all of it in one transaction, in which a row that was written again and again
// costs one write; then the segments that held it are free.

// applyEvery is how long bbolt may lack what is in the log; applySize is how many bytes it
// may lack. They bound what is read again after a crash, and the memory of the tail.
const (
	applyEvery = time.Second
	applySize  = 16 << 20
)

// retryEvery is how long to wait before a transaction is tried again that found no room.
const retryEvery = 200 * time.Millisecond

// tail is what the log has and bbolt does not have yet.
type tail struct {
	mu     sync.Mutex
	active *layer // what comes goes here
	frozen *layer // is being brought into bbolt; nil if nothing is
	mark   commitlog.Mark
	epoch  uint64 // the last segment of frozen
	timer  *time.Timer
	armed  bool // the timer will bring the tail into bbolt
}

// layers are those for a reader, the newest first. They stay as they are. The reader begins
// its transaction of bbolt afterwards, and asks then whether stale says that bbolt may know
// more by now than live, from which the first layer was taken.
func (t *tail) layers() (over []*layer, live *layer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.active.empty() {
		over = append(over, t.active.snapshot())
	}
	if t.frozen != nil {
		over = append(over, t.frozen)
	}
	return over, t.active
}

func (t *tail) stale(live *layer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return live.applied
}

// publish lets readers see what a group has changed.
func (t *tail) publish(ops []op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range ops {
		o := &ops[i]
		t.active.set(o.of, o.key, o.value)
	}
}

// full reports that so much is in the tail that it has to go into bbolt.
func (t *tail) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.frozen == nil && t.active.size >= applySize
}

// heavy reports that commits come faster than bbolt can follow: they have to wait for it.
func (t *tail) heavy() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.frozen != nil && t.active.size >= 2*applySize
}

// beginLog begins the first segment of this process. bbolt has to know of it before anything
// is acknowledged.
func (s *Store) beginLog(bring func() error) error {
	if err := bring(); err != nil { // what was recovered
		return err
	}
	r, err := commitlog.Recover(s.logOptions(), s.mark, func([]byte) error { return errFrame })
	if err != nil {
		return s.logFailed(err)
	}
	log, err := commitlog.Start(s.logOptions(), s.mark, r)
	if err != nil {
		return s.logFailed(err)
	}
	s.log.Store(log)
	s.tail.end(log.Mark(), 0)
	return bring()
}

// end freezes the active layer. Once bbolt has it, the log continues as the mark says, and
// the segments up to epoch are free.
func (t *tail) end(mark commitlog.Mark, epoch uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frozen, t.active = t.active, &layer{}
	t.mark, t.epoch = mark, epoch
}

// recover reads what an earlier process has left in the log, and brings it into bbolt as that
// process would have done when it ended. The error continues the sentence "database PATH …".
func (s *Store) recover() (err error) {
	if s.mark, err = readMark(s.db); err != nil {
		return err
	}
	s.tail.active = &layer{}
	r, err := commitlog.Recover(s.logOptions(), s.mark, s.tail.active.replay)
	if err != nil || s.opts.ReadOnly {
		return err
	}
	if !s.mark.Clean {
		s.tail.end(commitlog.Mark{Applied: r.Epoch, Clean: true}, 0)
		if err := s.bring(); err != nil {
			return s.unlessWant(err)
		}
	}
	return commitlog.Remove(s.path)
}

// unapplied reads what a process has left in the log of a file that is only looked at. When
// not all of it can be read, the layer has what comes before that. The error continues the
// sentence "database PATH …".
func unapplied(path string, db *bolt.DB, id string) ([]*layer, error) {
	mark, err := readMark(db)
	if err != nil {
		return nil, err
	}
	l := &layer{}
	_, err = commitlog.Recover(commitlog.Options{Path: path, Store: id}, mark, l.replay)
	return []*layer{l}, err
}

// unlessWant is nil for a lack of room: the store can be read, and takes commits when there is
// room.
func (s *Store) unlessWant(err error) error {
	var e *runtime.StoreError
	if errors.As(err, &e) && !e.Fatal {
		s.opts.Logger.Warn("the log cannot be brought into the database yet", "path", s.path, "error", err)
		return nil
	}
	return err
}

// endLog brings everything into bbolt, and removes the log. What finds no room stays in the
// log for the next process.
func (s *Store) endLog() error {
	t := &s.tail
	t.mu.Lock()
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	s.bringing.Lock()
	defer s.bringing.Unlock()
	if s.log.Load() == nil {
		return nil
	}
	if s.failure() != nil {
		return s.log.Load().Close(false)
	}
	err := s.bringFrozen()
	if err == nil {
		t.end(commitlog.Mark{Applied: s.log.Load().Epoch(), Clean: true}, 0)
		err = s.bringFrozen()
	}
	return errors.Join(s.unlessWant(err), s.log.Load().Close(err == nil))
}

func (s *Store) logOptions() commitlog.Options {
	return commitlog.Options{Path: s.path, Store: s.id}
}

// freeze ends the active layer and the segments that hold it, unless nothing is in it or the
// one before it is not in bbolt yet. Only whoever writes may call it.
func (s *Store) freeze() error {
	t := &s.tail
	t.mu.Lock()
	idle := t.frozen != nil || t.active.empty()
	t.mu.Unlock()
	if idle || s.log.Load() == nil {
		return nil
	}
	epoch, next, err := s.log.Load().Rotate()
	if err != nil {
		return s.logFailed(err)
	}
	t.end(next, epoch)
	return nil
}

// bring puts the frozen layer into bbolt, forced to disk, and lets go of its segments. When
// bbolt finds no room, the layer stays, and so does what it shows to readers.
func (s *Store) bring() error {
	s.bringing.Lock()
	defer s.bringing.Unlock()
	return s.bringFrozen()
}

// bringFrozen is bring for whoever has s.bringing.
func (s *Store) bringFrozen() error {
	t := &s.tail
	t.mu.Lock()
	frozen, mark, epoch := t.frozen, t.mark, t.epoch
	t.mu.Unlock()
	if frozen == nil {
		return nil
	}
	if err := s.failure(); err != nil {
		return err
	}
	// A transaction would make a file that was cut off as long as it was.
	if err := s.present(); err != nil {
		return err
	}
	err := s.transact(func(tx *bolt.Tx) error {
		t.mu.Lock()
		frozen.applied = true
		t.mu.Unlock()
		if err := frozen.into(tx); err != nil {
			return err
		}
		return putMark(tx, mark)
	})
	if err != nil {
		s.want.Store(&err)
		return err
	}
	t.mu.Lock()
	t.frozen = nil
	t.mu.Unlock()
	s.mark = mark
	s.want.Store(nil)
	if epoch == 0 {
		return s.present()
	}
	if err := s.log.Load().Release(epoch); err != nil {
		return s.logFailed(err)
	}
	return s.present()
}

// transact runs a transaction of bbolt and forces it to disk.
func (s *Store) transact(fn func(*bolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var tx *bolt.Tx
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(p)
			abandon(tx)
		}
	}()
	if tx, err = s.db.Begin(true); err != nil {
		return s.fail(s.fatal(err))
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // nothing was written
		return s.fail(s.fatal(err))
	}
	if err := tx.Commit(); err != nil {
		return s.commitFailed(err)
	}
	return nil
}

// into puts the rows of a layer into bbolt, in the order of their keys.
func (l *layer) into(tx *bolt.Tx) error {
	for of := range l.rows {
		of, m := table(of), &l.rows[of]
		if m.Len() == 0 {
			continue
		}
		var err error
		if of == sequenceTable {
			m.Scan(func(key string, v []byte) bool {
				err = setSequence(tx, key, v)
				return err == nil
			})
			if err != nil {
				return err
			}
			continue
		}
		b := tx.Bucket(of.bucket())
		if b == nil {
			return damage(of.bucket(), nil, "the bucket is missing")
		}
		if of == memoryTable {
			b.FillPercent = memoryFill
		}
		m.Scan(func(key string, v []byte) bool {
			err = putBase(b, of, []byte(key), v)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// setSequence sets the counter of the table that a row is about.
func setSequence(tx *bolt.Tx, key string, v []byte) error {
	if len(key) != 1 || table(key[0]) >= sequenceTable || len(v) != 8 {
		return errFrame
	}
	b := tx.Bucket(table(key[0]).bucket())
	if b == nil {
		return damage(table(key[0]).bucket(), nil, "the bucket is missing")
	}
	return b.SetSequence(binary.BigEndian.Uint64(v))
}

// arm has the tail brought into bbolt in a while, unless that is under way.
func (s *Store) arm(after time.Duration) {
	t := &s.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.armed || t.active.empty() && t.frozen == nil {
		return
	}
	t.armed = true
	if t.timer == nil {
		t.timer = time.AfterFunc(after, s.applyTail)
	} else {
		t.timer.Reset(after)
	}
}

// applyTail brings the tail into bbolt, and comes back as long as there is something.
func (s *Store) applyTail() {
	err := s.alone(s.freeze)
	if err == nil {
		err = s.bring()
	}
	s.tail.mu.Lock()
	s.tail.armed = false
	s.tail.mu.Unlock()
	switch {
	case err == nil:
		s.arm(applyEvery)
	case s.isOver():
	default:
		s.arm(retryEvery)
	}
}

// isOver reports that the store does nothing any more.
func (s *Store) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unusable() != nil
}

// logFailed decides what a failure of the log means: see commitFailed.
func (s *Store) logFailed(err error) error {
	e := s.fatal(err)
	e.Fatal = !errors.Is(err, commitlog.ErrNoRoom)
	return s.fail(e)
}
