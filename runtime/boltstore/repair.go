package boltstore

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/graphrun/graphrun/runtime/commitlog"
)

// Repair puts a store of what is sound (see Salvage) in the place of a damaged
// one, which gets the name kept, as does its log. Nobody may own it, and nobody can until it is
// done. A crash leaves a store at path: the damaged one, or the repaired one.
func Repair(ctx context.Context, path, kept string) (Report, error) {
	path = realPath(path)
	f, err := acquire(path, 0)
	if err != nil {
		return Report{}, unusable(path, err)
	}
	defer f.Close() // only read
	removeUnfinished(path)
	if err := absent(kept); err != nil {
		return Report{}, err
	}
	fresh := path + unfinishedMark + rand.Text()
	report, err := salvageInto(ctx, f.File, path, fresh)
	if err != nil {
		return Report{}, err
	}
	if err := os.Link(path, kept); err != nil {
		// Some file systems know no links: for a moment there is no store.
		err = os.Rename(path, kept)
		if err != nil {
			_ = os.Remove(fresh) // the error at hand says more
			return Report{}, unusable(path, err)
		}
	}
	if err := keepLog(path, kept); err != nil {
		_ = os.Remove(fresh)
		return Report{}, unusable(path, err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return Report{}, unusable(fresh, err)
	}
	if err := commitlog.Remove(path); err != nil {
		return Report{}, unusable(path, err)
	}
	return report, syncDir(filepath.Dir(path))
}

// keepLog gives the log of a store the name that the store is kept under.
func keepLog(path, kept string) error {
	to := commitlog.Files(kept)
	for i, from := range commitlog.Files(path) {
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Link(from, to[i]); err != nil {
			if err := os.Rename(from, to[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
