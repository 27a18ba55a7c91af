package boltstore

import (
	"context"

	"github.com/graphrun/graphrun/runtime"
)

// Keep keeps a small text for the whole store.
func (s *Store) Keep(ctx context.Context, name, text string) error {
	if err := runtime.CheckKept(name, text); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.submit(false, func(t *txn) error {
		b, err := t.table(keptTable)
		if err != nil {
			return err
		}
		t.writes++
		key := []byte(name)
		if text == "" {
			return b.Delete(key)
		}
		return b.Put(key, sealed(keptBucket, key, []byte(text)))
	})
}

// Kept returns a text that was kept. One that is damaged counts as none: whoever keeps
// texts here can make them again.
func (s *Store) Kept(ctx context.Context, name string) (text string, err error) {
	err = s.view(ctx, func(t *txn) error {
		b, err := t.table(keptTable)
		if err != nil {
			return err
		}
		key := []byte(name)
		if v, err := unseal(keptBucket, key, b.Get(key)); err == nil {
			text = string(v)
		}
		return nil
	})
	return text, err
}
