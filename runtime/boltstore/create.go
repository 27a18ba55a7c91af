package boltstore

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// format is the version of the layout. A change that an older program would
// misread raises it.
//
// Format 2 has the bulk of records and large definitions in rows of their own, more
// checkpoints, and no ids of events. A file of format 1 is one of format 2 that has
// none of the new rows yet; Open raises it.
//
// Format 3 has memories and kept texts. A program that knows format 2 would leave the
// memories of a stack behind that it removes, and lose what a running task writes. It
// would not see the questions that have rows of their own either.
//
// Format 4 has forks, whose heads lead to rows of other stacks.
//
// Format 5 has a log beside the file while it is in use: a program that knows format 4 would
// not see what is in it. It has records, cursors, identities and questions in the packed
// form, and the shapes that the records refer to.
const format = 5

const magic = "graphrun store"

// pageSize is the same everywhere, so that a file may move between machines.
const pageSize = 4096

// marker says what the file is. Its row keeps this form in all versions, so
// that an older program can tell a newer file from a damaged one.
type marker struct {
	Magic     string    `json:"magic"`
	Format    int       `json:"format"`
	ID        string    `json:"id"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

var markerKey = []byte("marker")

// create makes a new store at path. It is complete and on disk before it gets
// its name, so that no crash leaves half a file there. When somebody else was
// faster, theirs is kept.
func create(path, createdBy string) (err error) {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	unfinished := path + unfinishedMark + rand.Text()
	defer func() { _ = os.Remove(unfinished) }() // a second name by now, or of no use
	if err := build(unfinished, createdBy); err != nil {
		return err
	}
	if err := giveName(unfinished, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// giveName links the finished file to its path unless something is there.
func giveName(unfinished, path string) error {
	err := os.Link(unfinished, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if _, there := os.Stat(path); there == nil {
		return nil // made by another process, which has cleaned up after us
	}
	// Some file systems know no links.
	return os.Rename(unfinished, path)
}

func build(path, createdBy string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:        time.Second,
		PageSize:       pageSize,
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
	})
	if err != nil {
		return err
	}
	mark, err := json.Marshal(marker{
		Magic: magic, Format: format, ID: rand.Text(), CreatedBy: createdBy, CreatedAt: time.Now().UTC(),
	})
	if err == nil {
		err = db.Update(func(tx *bolt.Tx) error { return fill(tx, mark) })
	}
	return errors.Join(err, db.Close())
}

func fill(tx *bolt.Tx, mark []byte) error {
	for _, name := range [][]byte{markerBucket, graphsBucket, indexBucket, stacksBucket, blobsBucket, removedBucket, memoryBucket, keptBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(markerBucket).Put(markerKey, sealed(markerBucket, markerKey, mark))
}

// raise makes a file of an older format one of this format.
func (m *marker) raise(db *bolt.DB) error {
	m.Format = format
	mark, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{memoryBucket, keptBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(markerBucket).Put(markerKey, sealed(markerBucket, markerKey, mark))
	})
}

// readMarker refuses a file that is not ours or is from the future. The error
// continues the sentence "database PATH …".
func readMarker(db *bolt.DB) (m marker, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(markerBucket)
		if b == nil {
			return errNotOurs
		}
		v, err := unseal(markerBucket, markerKey, b.Get(markerKey))
		if err != nil {
			return fmt.Errorf("is damaged: %w", err)
		}
		return json.Unmarshal(v, &m)
	})
	if err != nil {
		return m, err
	}
	return m, m.known()
}

var errNotOurs = errors.New("is a bbolt file, but not one of graphrun")

// known tells a file that this program can work on from others.
func (m *marker) known() error {
	switch {
	case m.Magic != magic:
		return errors.New("is not one of graphrun")
	case m.Format > format:
		return fmt.Errorf("has format %d, made by %s; this program knows formats up to %d", m.Format, m.CreatedBy, format)
	}
	return nil
}

// unfinishedMark is in the names of files that are being made.
const unfinishedMark = ".new-"

// removeUnfinished deletes what a crash left while a file was made. Only the
// owner calls it: whoever still makes one finds that it is there already.
func removeUnfinished(path string) {
	list, err := filepath.Glob(path + unfinishedMark + "*")
	if err != nil {
		return // a path with a malformed pattern in it: nothing to clean is lost
	}
	for _, name := range list {
		_ = os.Remove(name)
	}
}
