package boltstore

import (
	"encoding/binary"
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
func readMark(tx *bolt.Tx) (m commitlog.Mark, err error) {
	m.Clean = true
	b := tx.Bucket(markerBucket)
	if b == nil {
		return m, errNotOurs
	}
	raw := b.Get(markKey)
	if raw == nil {
		return m, nil
	}
	v, err := unseal(markerBucket, markKey, raw)
	if err == nil {
		m.Clean = false
		err = json.Unmarshal(v, &m)
	}
	if err != nil {
		return m, fmt.Errorf("is damaged: %w", err)
	}
	return m, nil
}

func sequence(v []byte) uint64 { return binary.BigEndian.Uint64(v) }
