package boltstore

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime/commitlog"
)

// The mark ties the log to bbolt: it says how far bbolt is, and which segment continues it. It
// is written with every transaction. A file without one was closed, or never had a log.

var markKey = []byte("log")

func putMark(tx *bolt.Tx, m commitlog.Mark) error {
	b := tx.Bucket(markerBucket)
	if b == nil {
		return damage(markerBucket, nil, "the bucket is missing")
	}
	v, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return b.Put(markKey, sealed(markerBucket, markKey, v))
}

// readMark reads the mark. The error continues the sentence "database PATH …".
func readMark(db *bolt.DB) (m commitlog.Mark, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(markerBucket)
		if b == nil {
			return errNotOurs
		}
		raw := b.Get(markKey)
		if raw == nil {
			m.Clean = true
			return nil
		}
		v, err := unseal(markerBucket, markKey, raw)
		if err == nil {
			err = json.Unmarshal(v, &m)
		}
		if err != nil {
			return fmt.Errorf("is damaged: %w", err)
		}
		return nil
	})
	return m, err
}
