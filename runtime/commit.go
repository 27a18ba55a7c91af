package runtime

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/feed"
)

// commit makes what the machine decided durable, and publishes it.
func (d *drive) commit(rd machine.Ready) bool {
	if len(rd.Records) == 0 && len(rd.Changes) == 0 &&
		rd.Cursor.Status == d.cursor.Status && rd.Cursor.Hash == d.stored && rd.Cursor.WakeAt.Equal(d.cursor.WakeAt) &&
		slices.Equal(rd.Cursor.Parked, d.cursor.Parked) && slices.Equal(rd.Cursor.Ending, d.cursor.Ending) &&
		rd.Cursor.Closing == d.cursor.Closing && rd.Cursor.Stopping == d.cursor.Stopping {
		return true // only something to do
	}
	c := Commit{Stack: d.name, Records: rd.Records, Shape: d.def.shape(), Changes: rd.Changes, Memory: d.memoryWrites(rd.Memory), Cursor: rd.Cursor, Keep: d.g.History}
	if d.cursor.Seq == 0 {
		c.Create = &d.id
	}
	if d.visited { // the last one: a second could fail, and the command with it that has taken effect
		c.Sync = true
		c.Cursor.Clean = c.Cursor.Clean || c.Create != nil
	}
	if err := d.storeUnder(&c, rd.Cursor.Hash != d.stored); err != nil {
		d.fail(err)
		return false
	}
	if d.log.Enabled(d.eng.base, slog.LevelDebug) {
		d.log.Debug("committed", "cycle", c.Cursor.Cycle, "wave", c.Cursor.Wave, "seq", c.Cursor.Seq,
			"records", journal.Count(c.Records), "changes", len(c.Changes))
	}
	d.keep(c.Cursor, rd.Records)
	d.eng.note(&d.id, &c.Cursor)
	d.publish(c)
	return true
}

// storeUnder is store. With a commit that changes the stack's definition, the
// definition goes along, but only its hash when the store has it.
func (d *drive) storeUnder(c *Commit, changed bool) error {
	defs := &d.eng.defs
	if !changed {
		return d.store(*c)
	}
	if defs.isStored(d.g.Hash) {
		c.Graph = &StoredGraph{Hash: d.g.Hash}
		if err := d.store(*c); !errors.Is(err, ErrNoGraph) {
			return err
		}
	}
	var err error
	if c.Graph, err = d.def.stored(); err != nil {
		return err
	}
	if err := d.store(*c); err != nil {
		return err
	}
	defs.noteStored(d.g.Hash)
	return nil
}

// keep notes what the store has.
func (d *drive) keep(c journal.Cursor, records []journal.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cursor, d.stored = c, c.Hash
	d.tasks.Take(records)
}

// publish tells the listeners of a commit.
func (d *drive) publish(c Commit) {
	d.eng.cfg.Feed.Commit(feed.Commit{Stack: d.name, Graph: d.graph, Records: c.Records, Cursor: c.Cursor})
}
