package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/graphrun/graphrun/runtime/internal/place"
)

// slots is how many files there are: one is appended to, one is taken over by the
// database, and one stays as it is until the database has been written once more, so that
// it may lose what it wrote last.
const slots = 3

// Files lists the names that the files of a log have, by the path of the database, whether
// they are there or not.
func Files(path string) []string {
	list := make([]string, slots)
	for i := range list {
		list[i] = fmt.Sprintf("%s.log%d", path, i+1)
	}
	return list
}

// Remove deletes the files of a log by the path of the database, whatever they hold.
func Remove(path string) error {
	var errs []error
	for _, name := range Files(path) {
		if err := (system{}).remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// segment is an open file of a log.
type segment struct {
	file
	at     *place.Place
	epoch  atomic.Uint64 // 0 without a segment
	nonce  Nonce
	filled int64 // up to here the blocks of the file are there, and on disk
	piece  int64 // how much room is made next
}

func newSegment(f file, path string) (*segment, error) {
	at, err := place.Of(f, path)
	return &segment{file: f, at: at}, err
}

// begin makes the file the segment of an epoch: from then on, what it held is nothing.
// The header is on disk when it returns.
func (s *segment) begin(o *Options, h header) error {
	page, err := h.page()
	if err != nil {
		return err
	}
	s.epoch.Store(0)
	s.piece = o.FirstPiece
	switch {
	case s.filled > o.SegmentSize: // a large commit was in it
		if err := s.Truncate(o.SegmentSize); err != nil {
			return err
		}
		s.filled = o.SegmentSize
		s.at.Shrink(s.filled)
	case s.filled < headerSize:
		if err := s.room(o, headerSize+endSize); err != nil {
			return err
		}
	}
	if _, err := s.WriteAt(page, 0); err != nil {
		return err
	}
	if err := s.Sync(); err != nil {
		return err
	}
	s.nonce = h.nonce
	s.epoch.Store(h.epoch)
	return nil
}

var zeros [256 << 10]byte

// room makes sure that a write up to end finds its blocks there. Else it has changed
// nothing that counts.
func (s *segment) room(o *Options, end int64) error {
	if end <= s.filled {
		return nil
	}
	want := min(max(end, s.filled+s.piece), max(o.MaxSize, end))
	at := s.filled
	for at < want {
		n, err := s.WriteAt(zeros[:min(int64(len(zeros)), want-at)], at)
		at += int64(n)
		if err == nil {
			continue
		}
		if at < end || !noRoom(err) {
			return err
		}
		break // it is less than was wanted, and enough
	}
	// A sync of all: from now on only data changes.
	if err := s.Sync(); err != nil {
		return err
	}
	s.filled, s.piece = at, min(2*s.piece, o.Piece)
	s.at.Grow(at)
	return nil
}
