package boltstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime/commitlog"
)

// Backup writes the store, as it is at one moment, into a new file at path; an
// existing one is refused. The store can be used meanwhile; only a commit for which
// the file has to grow waits. The new file is complete and on disk before it
// gets its name.
func (s *Store) Backup(ctx context.Context, path string) error {
	return newFile(ctx, path, func(f *os.File, name string) error {
		var over []*layer
		err := s.view(ctx, func(t *txn) error {
			over = t.over
			_, err := t.tx.WriteTo(stoppable{ctx, f})
			return err
		})
		if err != nil {
			return err
		}
		return complete(name, over)
	})
}

// complete brings what bbolt lacked into a copy of its file, which needs no log then.
func complete(path string, over []*layer) (err error) {
	db, err := openNew(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Update(func(tx *bolt.Tx) error {
		for _, l := range slices.Backward(over) { // the newest comes last
			if err := l.into(tx); err != nil {
				return err
			}
		}
		return tx.Bucket(markerBucket).Delete(markKey)
	})
}

// bringAll brings what a process has left in the log into the file.
func bringAll(path string) error {
	there := func(name string) bool { _, err := os.Lstat(name); return err == nil }
	if !slices.ContainsFunc(commitlog.Files(path), there) {
		return nil
	}
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	return s.Close()
}

// stoppable is a writer that ends with its context.
type stoppable struct {
	ctx context.Context
	io.Writer
}

func (w stoppable) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}

// newFile makes a file that appears at path whole or not at all. Where the system
// allows it, a process that is killed meanwhile leaves nothing.
// fill gets the file and a name by which it can be opened.
func newFile(ctx context.Context, path string, fill func(f *os.File, name string) error) error {
	if err := absent(path); err != nil {
		return err
	}
	f, err := patiently(ctx, func() (*os.File, error) { return openUnnamed(filepath.Dir(path)) })
	if ctx.Err() != nil && err != nil {
		return err
	}
	unnamed := err == nil
	unfinished := path + unfinishedMark + rand.Text()
	if !unnamed {
		f, err = patiently(ctx, func() (*os.File, error) {
			return os.OpenFile(unfinished, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		})
		if err != nil {
			return fmt.Errorf("cannot write %q: %w", path, err)
		}
		defer func() { _ = os.Remove(unfinished) }() // a second name by now, or of no use
	}
	name := unfinished
	if unnamed {
		name = unnamedPath(f)
	}
	if err = fill(f, name); err == nil {
		err = f.Sync()
	}
	if unnamed && err == nil {
		err = nameUnnamed(f, path)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write %q: %w", path, err)
	}
	if unnamed {
		return syncDir(filepath.Dir(path))
	}
	return publish(unfinished, path)
}

func absent(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot write %q: %w", path, errors.Join(err, fs.ErrExist))
	}
	return nil
}

// publish gives a finished file its name, unless somebody was faster.
func publish(unfinished, path string) error {
	if err := os.Link(unfinished, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot write %q: %w", path, err)
		}
		// Some file systems know no links.
		if err := os.Rename(unfinished, path); err != nil {
			return fmt.Errorf("cannot write %q: %w", path, err)
		}
	}
	return syncDir(filepath.Dir(path))
}

// compactTransaction is how many bytes of rows are copied in one transaction.
const compactTransaction = 16 << 20

// Compact copies a store that nobody owns, without its free pages, and puts
// the new file in the old one's place. A crash leaves one of them there, whole;
// a store in which anything is damaged stays as it is. It says how many bytes
// the file had and has.
func Compact(ctx context.Context, path string) (before, after int64, err error) {
	path = realPath(path)
	if err := bringAll(path); err != nil {
		return 0, 0, err
	}
	src, err := openReadOnly(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if report, err := check(ctx, path, src); err != nil {
		return 0, 0, err
	} else if n := len(report.Problems); n > 0 {
		return 0, 0, unusable(path, fmt.Errorf("is damaged: %s (%d problems in all)", report.Problems[0].What, n))
	}
	unfinished := path + unfinishedMark + rand.Text()
	defer func() { _ = os.Remove(unfinished) }() // there is none when all went well
	if err := copyInto(unfinished, src.DB); err != nil {
		return 0, 0, unusable(path, fmt.Errorf("cannot be compacted: %w", err))
	}
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	sizes := [2]int64{}
	for i, name := range []string{path, unfinished} {
		info, err := os.Stat(name)
		if err != nil {
			return 0, 0, err
		}
		sizes[i] = info.Size()
	}
	if err := os.Rename(unfinished, path); err != nil {
		return 0, 0, err
	}
	return sizes[0], sizes[1], syncDir(filepath.Dir(path))
}

// copyInto makes a file with all rows of src, on disk when it returns.
func copyInto(path string, src *bolt.DB) error {
	dst, err := openNew(path)
	if err != nil {
		return err
	}
	err = bolt.Compact(dst, src, compactTransaction)
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// openNew makes an empty file that is forced to disk only when asked.
func openNew(path string) (*bolt.DB, error) {
	return bolt.Open(path, 0o600, &bolt.Options{
		Timeout:        time.Second,
		PageSize:       pageSize,
		NoFreelistSync: true,
		NoSync:         true,
		FreelistType:   bolt.FreelistMapType,
	})
}
