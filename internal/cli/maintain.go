package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

func backupCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store as it is at one moment",
		Args:  arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if err := a.through(cmd.Context(), func(c *api.Client) error { return c.Backup(cmd.Context(), file) }); err != nil {
				return err
			}
			info, err := os.Stat(file)
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]any{"file": file, "bytes": info.Size()})
			}
			a.printf("%s: %d bytes\n", diag.Clean(args[0]), info.Size())
			return nil
		},
	}
}

// backUp tells a file that is in the way, which is wrong usage, from one that
// cannot be written.
func backUp(ctx context.Context, store *boltstore.Store, file string) error {
	err := store.Backup(ctx, file)
	var known *runtime.StoreError
	if err == nil || errors.Is(err, fs.ErrExist) || errors.As(err, &known) {
		return err
	}
	return &runtime.StoreError{Path: file, Err: err}
}

func compactCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Give the space of deleted data back to the file system",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.storeIsThere(); err != nil {
				return err
			}
			before, after, err := boltstore.Compact(cmd.Context(), a.db)
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]any{"store": a.db, "before": before, "after": after})
			}
			a.printf("%s: %d bytes, %d before\n", diag.Clean(a.db), after, before)
			return nil
		},
	}
}

func (a *app) storeIsThere() error {
	if _, err := os.Stat(a.db); errors.Is(err, fs.ErrNotExist) {
		return usagef("there is no store at %s (choose another with --db)", a.db)
	}
	return nil
}

func doctorCommand(a *app) *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the store, and repair it",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.storeIsThere(); err != nil {
				return err
			}
			d, err := a.examine(cmd.Context())
			if cmd.Context().Err() != nil {
				return err
			}
			if repair && (err != nil || len(d.Problems) > 0) {
				return a.repair(cmd.Context(), d, err)
			}
			if err != nil {
				return err
			}
			return a.printDiagnosis(d)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "save what is sound into a new store")
	return cmd
}

// diagnosis is what `doctor -o json` prints.
type diagnosis struct {
	Store string `json:"store"`
	Owner int    `json:"owner"` // process id; 0 if nobody owns it
	boltstore.Report
	Kept string `json:"kept,omitzero"` // where --repair put the damaged store
}

// examine checks the store, or a copy while somebody owns it.
func (a *app) examine(ctx context.Context) (d diagnosis, err error) {
	d.Store = a.db
	c, err := api.DialOwner(ctx, a.db)
	switch {
	case err == nil:
		defer c.Close()
		owner, err := c.Server(ctx)
		if err != nil {
			return d, said(err)
		}
		d.Owner = owner.PID
		copied, err := filepath.Abs(boltstore.CopyPath(a.db))
		if err != nil {
			return d, err
		}
		if err := c.Backup(ctx, copied); err != nil {
			return d, said(err)
		}
		d.Report, err = boltstore.CheckCopy(ctx, copied)
		return d, err
	case !errors.Is(err, api.ErrNoOwner):
		return d, a.outOfReach(err)
	}
	d.Report, err = boltstore.Check(ctx, a.db)
	return d, err
}

// repair puts a store of what is sound in the place of the damaged one.
func (a *app) repair(ctx context.Context, d diagnosis, damage error) error {
	if d.Owner != 0 {
		return &runtime.StoreError{Path: a.db, Err: fmt.Errorf("database %q is in use by process %d: end that first", a.db, d.Owner)}
	}
	d.Kept = a.db + ".damaged-" + time.Now().UTC().Format("20060102T150405.000Z")
	report, err := boltstore.Repair(ctx, a.db, d.Kept)
	if damage != nil && (err == nil || err.Error() != damage.Error()) {
		a.notef("graphrun: %v\n", damage)
	}
	if err != nil {
		return err
	}
	for _, p := range d.Problems {
		a.notef("%s\n", problemLine(p))
	}
	d.Report = report
	return a.printDiagnosis(d)
}

func problemLine(p boltstore.Problem) string {
	if p.Stack == "" {
		return oneLine(p.What)
	}
	what := strings.TrimPrefix(p.What, fmt.Sprintf("stack %q: ", p.Stack)) // said once is enough
	return fmt.Sprintf("stack %s: %s", p.Stack, oneLine(what))
}

// printDiagnosis ends with exit code 4 when something is wrong; what a repair
// has left out is no reason for that any more.
func (a *app) printDiagnosis(d diagnosis) error {
	var verdict error
	if len(d.Problems) > 0 && d.Kept == "" {
		verdict = &exitError{code: exitStore}
	}
	if a.json() {
		if d.Problems == nil {
			d.Problems = []boltstore.Problem{}
		}
		return firstOf(a.printJSON(d), verdict)
	}
	a.printf("%s: %d bytes, %s, %s, %s\n", diag.Clean(d.Store), d.Bytes, plural(uint64(d.Stacks), "stack"),
		plural(uint64(d.Rows), "row"), plural(uint64(d.Graphs), "definition"))
	if d.Owner != 0 {
		a.printf("in use by process %d; a copy was looked through\n", d.Owner)
	}
	for _, p := range d.Problems {
		if d.Kept != "" {
			a.printf("left out: %s\n", problemLine(p))
			continue
		}
		a.printf("problem: %s\n", problemLine(p))
	}
	switch {
	case d.Kept != "":
		a.printf("repaired; the damaged store is kept as %s\n", diag.Clean(d.Kept))
	case verdict == nil:
		a.printf("%s\n", "no problems found")
	}
	return verdict
}
