package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// This file is the disk's part of the work without an engine: as many commits as the work
// has waves, of as many bytes as j.Bytes says.

var bareBucket, ballastBucket = []byte("records"), []byte("ballast")

func openBolt(j job) (*bolt.DB, error) {
	db, err := bolt.Open(filepath.Join(j.Dir, "bare.db"), 0o600, &bolt.Options{
		NoSync: j.Class == killSafe, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, Timeout: time.Second,
	})
	if err != nil {
		return nil, err
	}
	return db, db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bareBucket)
		return err
	})
}

// bareBolt is a bbolt transaction for each commit of a cycle.
func bareBolt(commits int) side {
	return func(_ context.Context, j job, m *meter) error {
		db, err := openBolt(j)
		if err != nil {
			return err
		}
		if j.Size > 0 {
			if err := db.Update(func(tx *bolt.Tx) error {
				b, err := tx.CreateBucket(ballastBucket)
				if err != nil {
					return err
				}
				return b.Put([]byte("ballast"), make([]byte, j.Size))
			}); err != nil {
				return err
			}
		}
		value, seq := []byte(strings.Repeat("x", j.Bytes)), 0
		if err := m.fill(j, func(n int) error {
			for range n * commits {
				seq++
				m.commits.Add(1)
				if err := db.Update(func(tx *bolt.Tx) error {
					return tx.Bucket(bareBucket).Put(fmt.Appendf(nil, "%016x", seq), value)
				}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		err = db.Close()
		m.closed()
		return err
	}
}

// bareGroups is bbolt for a fleet: a goroutine for each stack, which waits for each of its
// commits, and one that puts all that has queued up into one transaction.
func bareGroups(commits int) side {
	return func(_ context.Context, j job, m *meter) error {
		db, err := openBolt(j)
		if err != nil {
			return err
		}
		type put struct {
			key  []byte
			done chan error
		}
		value := []byte(strings.Repeat("x", j.Bytes))
		queue := make(chan put, j.Stacks)
		seqs := make([]int, j.Stacks)
		var writer sync.WaitGroup
		writer.Go(func() {
			for first := range queue {
				group := []put{first}
				for more := true; more; {
					select {
					case p, open := <-queue:
						if more = open; open {
							group = append(group, p)
						}
					default:
						more = false
					}
				}
				err := db.Update(func(tx *bolt.Tx) error {
					b := tx.Bucket(bareBucket)
					for _, p := range group {
						if err := b.Put(p.key, value); err != nil {
							return err
						}
					}
					return nil
				})
				m.commits.Add(int64(len(group)))
				for _, p := range group {
					p.done <- err
				}
			}
		})
		m.watch()
		err = m.fill(j, func(n int) error {
			return together(j.Stacks, func(w int) error {
				done := make(chan error)
				for range n * commits {
					queue <- put{fmt.Appendf(nil, "%08x%08x", w, seqs[w]), done}
					seqs[w]++
					if err := <-done; err != nil {
						return err
					}
				}
				return nil
			})
		})
		close(queue)
		writer.Wait()
		m.Cycles *= j.Stacks
		if cerr := db.Close(); err == nil {
			err = cerr
		}
		m.closed()
		return err
	}
}

// bareFile is a write and an fdatasync for each commit of a cycle: at the end of a growing
// file, or in one that is filled with zeros beforehand and used again from its beginning.
func bareFile(commits int, zeros bool) side {
	return func(_ context.Context, j job, m *meter) error {
		const length = 16 << 20
		f, err := os.Create(filepath.Join(j.Dir, "bare.log"))
		if err != nil {
			return err
		}
		if zeros {
			if _, err := f.Write(make([]byte, length)); err != nil {
				return err
			}
			if err := f.Sync(); err != nil {
				return err
			}
		}
		value, at := []byte(strings.Repeat("x", j.Bytes)), int64(0)
		if err := m.fill(j, func(n int) error {
			for range n * commits {
				if zeros && at+int64(j.Bytes) > length {
					at = 0
				}
				m.commits.Add(1)
				if _, err := f.WriteAt(value, at); err != nil {
					return err
				}
				at += int64(j.Bytes)
				if j.Class == powerSafe {
					if err := dataSync(f); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			return err
		}
		err = f.Close()
		m.closed()
		return err
	}
}
