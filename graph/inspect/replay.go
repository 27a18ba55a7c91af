package inspect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// Replay is what became of deciding a stack's history again.
type Replay struct {
	Stack       string     `json:"stack"`
	From        uint64     `json:"from"`    // the first cycle that was compared
	To          uint64     `json:"to"`      // the last one
	Records     uint64     `json:"records"` // that were compared
	Differences []Mismatch `json:"differences"`
}

// Mismatch is a member of a record that is not decided again as it was recorded. Field is
// "type" when the record would not be there, or would be of another type. A key of the
// state that the history does not lead to has the type "state".
type Mismatch struct {
	Seq      uint64      `json:"seq"` // of the record
	Cycle    uint64      `json:"cycle"`
	Type     string      `json:"type"`
	Field    string      `json:"field"` // "edges[0].live"
	Recorded value.Value `json:"recorded"`
	Decided  value.Value `json:"decided"`
}

// PointError says that a point of a history was asked for that is not there.
type PointError struct{ Err error }

func (e *PointError) Error() string { return e.Err.Error() }
func (e *PointError) Unwrap() error { return e.Err }

// ReplayOf decides the kept history of a stack again, from the results that it recorded,
// and compares each record and the state that it comes to. From is the first cycle that
// is compared; 0 stands for all of them. Errors: journal.ErrNotFound, *PointError for a
// cycle that is not there, and those of the reader.
func ReplayOf(ctx context.Context, store Reader, kinds graph.Kinds, stack string, from uint64) (Replay, error) {
	now, err := store.State(ctx, stack)
	if err != nil {
		return Replay{}, err
	}
	at := journal.Beginning
	if from > 0 {
		at.Cycle = from
	}
	base, err := store.Base(ctx, stack, at)
	if err != nil {
		return Replay{}, err
	}
	switch c := base.Cursor; {
	case from > now.Cursor.Cycle:
		return Replay{}, &PointError{fmt.Errorf("stack %q has not begun cycle %d: it is at %d", stack, from, now.Cursor.Cycle)}
	case from > 0 && c.Seq > 0 && from <= c.Cycle:
		return Replay{}, &PointError{fmt.Errorf("stack %q: the history before the end of cycle %d is deleted (see history in the graph): got %d", stack, c.Cycle, from)}
	}
	return replayed(machine.Replayer{
		Graphs: definitions(ctx, store, kinds),
		Base:   base,
		Records: func(yield func(journal.Record, error) bool) {
			if base.Cursor.Seq < now.Cursor.Seq {
				readAll(ctx, store, stack, journal.Want{From: base.Cursor.Seq + 1, To: now.Cursor.Seq, Bulk: true})(yield)
			}
		},
	}, now, from)
}

// definitions finds each definition once.
func definitions(ctx context.Context, store Reader, kinds graph.Kinds) machine.Graphs {
	known := map[string]*graph.Graph{}
	return func(hash string) (*graph.Graph, error) {
		if g := known[hash]; g != nil {
			return g, nil
		}
		g, err := Definition(ctx, store, kinds, hash)
		if err == nil {
			known[hash] = g
		}
		return g, err
	}
}

// readAll are records as a sequence.
func readAll(ctx context.Context, store Reader, stack string, want journal.Want) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		enough := errors.New("enough")
		err := store.Records(ctx, stack, want, func(r journal.Record) error {
			if !yield(r, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(journal.Record{}, err)
		}
	}
}

// replayed compares a history from a cycle on, and the state that it comes to with the
// stored one, if there is one.
func replayed(again machine.Replayer, now journal.Snapshot, from uint64) (Replay, error) {
	out := Replay{Stack: again.Base.Identity.Stack, From: max(from, again.Base.Cursor.Cycle+1), To: again.Base.Cursor.Cycle, Differences: []Mismatch{}}
	records := again.Records
	again.Records = func(yield func(journal.Record, error) bool) {
		for rec, err := range records {
			if err == nil && rec.Cycle >= from {
				out.Records++
				out.To = max(out.To, rec.Cycle)
			}
			if !yield(rec, err) {
				return
			}
		}
	}
	m, differences, err := again.To(journal.Point{})
	if err != nil {
		return out, err
	}
	parted := false
	for _, d := range differences {
		out.Differences = append(out.Differences, mismatches(d)...)
		parted = parted || d.Parts()
	}
	if parted || now.State == nil {
		return out, nil
	}
	c, was := m.Cursor(), m.Graph().Declared(now.State)
	is := m.State()
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if !value.Equal(was[key], is[key]) {
			out.Differences = append(out.Differences, mismatch(c.Seq, c.Cycle, "state", key, was[key], is[key]))
		}
	}
	return out, nil
}

func mismatch(seq, cycle uint64, kind, field string, recorded, decided any) Mismatch {
	d := Mismatch{Seq: seq, Cycle: cycle, Type: kind, Field: field}
	d.Recorded, _ = value.Of(recorded) // of a record: canonical
	d.Decided, _ = value.Of(decided)
	return d
}

// mostMismatches bounds what is said of one record.
const mostMismatches = 20

// mismatches says which members of two records differ.
func mismatches(d machine.Difference) (out []Mismatch) {
	rec := d.Recorded
	if d.Decided == nil || d.Parts() {
		var decided any
		if d.Decided != nil {
			decided = d.Decided.Body.Type()
		}
		return []Mismatch{mismatch(rec.Seq, rec.Cycle, rec.Body.Type(), "type", rec.Body.Type(), decided)}
	}
	was, is := membersOf(rec), membersOf(d.Decided)
	var compare func(a, b any, at string)
	compare = func(a, b any, at string) {
		if value.Equal(a, b) || len(out) == mostMismatches {
			return
		}
		switch a := a.(type) {
		case map[string]any:
			if b, ok := b.(map[string]any); ok {
				names := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
				slices.Sort(names)
				for _, name := range slices.Compact(names) {
					within := name
					if at != "" {
						within = at + "." + name
					}
					compare(a[name], b[name], within)
				}
				return
			}
		case []any:
			if b, ok := b.([]any); ok && len(a) == len(b) {
				for i := range a {
					compare(a[i], b[i], fmt.Sprintf("%s[%d]", at, i))
				}
				return
			}
		}
		out = append(out, mismatch(rec.Seq, rec.Cycle, rec.Body.Type(), at, a, b))
	}
	compare(was, is, "")
	return out
}

// membersOf is a record as its journal form has it.
func membersOf(r *journal.Record) any {
	v, err := value.Decode(journal.AppendRecord(nil, *r, true))
	if err != nil {
		return nil
	}
	return v
}
