package memstore

import (
	"context"
	"maps"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// point is a checkpoint: a stack at the end of a cycle. Values are shared, so
// it costs a map.
type point struct {
	cursor journal.Cursor
	state  map[string]any
	at     time.Time
}

// pointsPerSpan is how many checkpoints there are in the history that is kept.
const pointsPerSpan = 4

// bounded is how much of a history the store keeps of what is to be kept.
func (s *Store) bounded(keep graph.History) graph.History {
	most := s.Cycles
	if most == 0 {
		most = DefaultCycles
	}
	if most > 0 && (keep.Cycles == 0 || keep.Cycles > most) {
		keep.Cycles = most
	}
	return keep
}

// retain cuts the history off at the newest checkpoint that lies outside of
// what is kept, and makes new ones. Call it with a commit's last record.
func (st *stack) retain(keep graph.History, last *journal.Record) {
	st.apart = st.cursor.Open && (st.oldest(keep, last.Time) >= 0 || st.due(keep, last.Time))
	if _, atEnd := last.Body.(*journal.CycleFinished); !atEnd || keep == (graph.History{}) || st.cursor.Open {
		return
	}
	if i := st.oldest(keep, last.Time); i >= 0 {
		st.points, st.first = st.points[i:], st.points[i].cursor.CycleSeq
		st.records.drop(st.first)
	}
	if st.due(keep, last.Time) {
		st.points = append(st.points, point{st.cursor, maps.Clone(st.state), last.Time})
	}
}

// oldest is the checkpoint that the history is to begin with now, -1 if it begins there
// already.
func (st *stack) oldest(keep graph.History, now time.Time) int {
	for i := len(st.points) - 1; i >= 0; i-- {
		p := &st.points[i]
		if beyond(p, st.cursor.Cycle, now, uint64(keep.Cycles), keep.Age) && p.cursor.CycleSeq > st.first {
			return i
		}
	}
	return -1
}

// due reports whether a checkpoint is to be made now.
func (st *stack) due(keep graph.History, now time.Time) bool {
	if keep == (graph.History{}) {
		return false
	}
	var newest point
	if n := len(st.points); n > 0 {
		newest = st.points[n-1]
	} else if keep.Age > 0 {
		newest.at = now.Add(-keep.Age)
	}
	cycles := uint64(keep.Cycles+pointsPerSpan-1) / pointsPerSpan
	return beyond(&newest, st.cursor.Cycle, now, cycles, keep.Age/pointsPerSpan)
}

// Joins says whether the end of a stack's open cycle and the beginning of the next one may
// be one commit. See runtime.JoiningStore.
func (s *Store) Joins(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stacks[name]
	return st == nil || !st.apart
}

// beyond reports that at least so many cycles, or so much time, lie between a
// checkpoint and now; zero is no bound.
func beyond(p *point, cycle uint64, now time.Time, cycles uint64, age time.Duration) bool {
	return cycles > 0 && cycle-p.cursor.Cycle >= cycles || age > 0 && now.Sub(p.at) >= age
}

// Base is a stack as it was at the nearest checkpoint at or before a point.
func (s *Store) Base(ctx context.Context, name string, at journal.Point) (journal.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(ctx, name)
	if err != nil {
		return journal.Snapshot{}, err
	}
	base := journal.Snapshot{Identity: st.id}
	nearest := -1
	for i := range st.points {
		if at.After(st.points[i].cursor.Cycle) || i == 0 && st.first > 1 {
			nearest = i
		}
	}
	if nearest < 0 {
		return base, nil
	}
	p := st.points[nearest]
	base.Cursor, base.State = p.cursor, maps.Clone(p.state)
	base.Records = st.records.wanted(journal.Want{From: p.cursor.CycleSeq, To: p.cursor.Seq}, 0)
	return base, nil
}

// use notes that a stack needs a graph, and since when.
func (s *Store) use(st *stack, g *runtime.StoredGraph, cursor *journal.Cursor) {
	from := uint64(0) // until the stack is removed: it is not the cursor's
	if g.Hash == cursor.Hash {
		from = st.cursor.Seq + 1
	}
	for i, u := range st.uses {
		if u.hash == g.Hash && (from == 0 && u.from == 0 || from != 0 && i == len(st.uses)-1) {
			return
		}
	}
	st.uses = append(st.uses, use{g.Hash, from})
	kept := s.graphs[g.Hash]
	if kept == nil {
		kept = &keptGraph{StoredGraph: *g}
		s.graphs[g.Hash] = kept
	}
	kept.uses++
}

// use is a graph that a stack needs for its records from one on.
type use struct {
	hash string
	from uint64
}

type keptGraph struct {
	runtime.StoredGraph
	uses int
}

// dropUses lets go of graphs that no record from first on needs.
func (s *Store) dropUses(st *stack, first uint64) {
	var left []use
	for i, u := range st.uses {
		if u.from == 0 || i+1 == len(st.uses) || st.uses[i+1].from > first {
			left = append(left, u)
			continue
		}
		s.unuse(u)
	}
	st.uses = left
}

func (s *Store) unuse(u use) {
	kept := s.graphs[u.hash]
	if kept.uses--; kept.uses == 0 {
		delete(s.graphs, u.hash)
	}
}
