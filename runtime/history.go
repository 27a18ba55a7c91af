package runtime

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Definition compiles a graph that a store keeps.
func Definition(ctx context.Context, store Store, kinds graph.Kinds, hash string) (*graph.Graph, error) {
	kept, err := store.Graph(ctx, hash)
	if err != nil {
		return nil, err
	}
	return kept.compile(kinds)
}

// compile makes a runnable graph of a stored one.
func (s StoredGraph) compile(kinds graph.Kinds) (*graph.Graph, error) {
	var def graph.Def
	if err := json.Unmarshal(s.Def, &def); err != nil {
		return nil, fmt.Errorf("stored graph %q: %w", s.Name, err)
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("stored graph %q: %w", s.Name, err)
	}
	return g, nil
}

// Past is a stack's state at a point of its history.
type Past struct {
	Point journal.Point  // cycle and wave, the last one where the end of a cycle was asked for
	State map[string]any // shared, not to be changed
}

// At is a stack's state at a point of its history: for the zero Point the
// committed one, else decided again from the results that the journal holds,
// from where the history is kept on. ErrNotFound when there is no such stack;
// other errors name the points that there are, or are a *StoreError.
func At(ctx context.Context, store Store, kinds graph.Kinds, stack string, at journal.Point) (Past, error) {
	snap, err := store.Load(ctx, stack)
	if err != nil {
		return Past{}, err
	}
	if at == (journal.Point{}) {
		g, err := Definition(ctx, store, kinds, snap.Cursor.Hash)
		if err != nil {
			return Past{}, err
		}
		return past(at, snap.Cursor, g.Declared(snap.State)), nil
	}
	base, err := store.Base(ctx, stack)
	if err != nil {
		return Past{}, err
	}
	kept := journal.Point{Cycle: base.Cursor.Cycle}
	switch {
	case at.Cycle < kept.Cycle || at.Cycle == kept.Cycle && at.Wave > 0:
		return Past{}, fmt.Errorf("stack %q: the history before the end of cycle %s is deleted (see history in the graph): got %s", stack, kept, at)
	case at == kept:
		return past(at, base.Cursor, journal.Visible(base.State)), nil
	}
	var records []journal.Record
	found := false
	if err := store.Records(ctx, stack, base.Cursor.Seq+1, func(r journal.Record) error {
		records = append(records, r)
		found = found || at.Ends(r)
		return nil
	}); err != nil {
		return Past{}, err
	}
	if !found {
		return Past{}, fmt.Errorf("stack %q has not committed %s: it is at %s", stack, at, journal.Point{Cycle: snap.Cursor.Cycle, Wave: snap.Cursor.Wave})
	}
	graphs := func(hash string) (*graph.Graph, error) { return Definition(ctx, store, kinds, hash) }
	m, _, err := replay(graphs, snap.Identity, base, records, at)
	if err != nil {
		return Past{}, err
	}
	return past(at, m.Cursor(), m.State()), nil
}

// past names the point as it was asked for: a machine that was stopped at the
// end of a wave may stand beyond it.
func past(at journal.Point, c journal.Cursor, state map[string]any) Past {
	if at.Cycle == 0 {
		at.Cycle = c.Cycle
	}
	if at.Wave == 0 {
		at.Wave = c.Wave
	}
	return Past{at, state}
}

// replay decides a history again, from its beginning or from the base that it
// was cut off at.
func replay(graphs machine.Graphs, id journal.Identity, base journal.Snapshot, records []journal.Record, until journal.Point) (*machine.Machine, []machine.Difference, error) {
	if base.Cursor.Seq == 0 {
		return machine.Replay(graphs, machine.Options{}, id, records, until)
	}
	return machine.ReplayFrom(graphs, machine.Options{}, base, records, until)
}
