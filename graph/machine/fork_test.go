package machine

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// A fork of any moment of any transcript can be restored, is as a store has it, runs
// until nothing is left to do, and its history is decided again without a difference.
func TestForkAnywhere(t *testing.T) {
	t.Parallel()
	for _, file := range transcripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, file)
			r := newRig(t, compile(t, s.graph))
			r.unchecked = true
			r.o.Snapshots = true
			wave, n := uint64(0), 0
			r.committed = func(ready Ready) {
				for rec := range journal.EachRecord(ready.Records) {
					switch b := rec.Body.(type) {
					case *journal.CycleStarted:
						wave = 0
					case *journal.WaveCommitted:
						wave = b.Number()
					}
				}
				if own, ok := r.m.Snapshot(); ok && !own.Cursor.Open {
					own.Records = slices.DeleteFunc(slices.Clone(r.records), func(rec journal.Record) bool { return rec.Seq < own.Cursor.CycleSeq })
					r.bases = append(r.bases, own)
				}
				if n++; n%3 != 0 {
					return
				}
				clean := r.clean
				forkOf(t, r, r.snapshot(), wave)
				r.clean = clean
			}
			for _, l := range s.lines {
				if l != "" && l[0] != '#' && l[0] != ' ' {
					do(r, l)
				}
			}
			r.committed = nil
			if r.m == nil {
				return
			}
			for _, at := range r.moments() {
				forkAt(t, r, at)
			}
		})
	}
}

// moments are the points of a rig's history.
func (r *rig) moments() []journal.Point {
	return slices.SortedFunc(maps.Keys(r.states), func(a, b journal.Point) int { return strings.Compare(a.String(), b.String()) })
}

// forkAt forks a rig's stack at a point of its history.
func forkAt(t testing.TB, r *rig, at journal.Point) {
	t.Helper()
	again := r.replayer()
	again.Options.Snapshots = true
	m, _, err := again.To(at)
	if err != nil {
		t.Fatal(err)
	}
	snap, _ := m.Snapshot()
	snap.Records = slices.DeleteFunc(slices.Clone(r.records), func(rec journal.Record) bool {
		return rec.Seq < snap.Cursor.CycleSeq || rec.Seq > snap.Cursor.Seq
	})
	forkOf(t, r, snap, at.Wave)
}

// forkOf forks a rig's stack at a moment, and lets the fork run.
func forkOf(t testing.TB, p *rig, s journal.Snapshot, wave uint64) {
	t.Helper()
	if s.Cursor.Hash != p.g.Hash {
		return // it is about to adopt another definition
	}
	at := p.clock.Add(time.Hour)
	made, err := Fork(p.g, s, ForkOptions{Stack: "fork", Nonce: "f", At: at, Wave: wave})
	if err != nil {
		t.Fatal(err)
	}
	base := journal.Snapshot{Identity: made.Identity}
	records := []journal.Record{made.Record}
	if s.Cursor.Open {
		from := uint64(1)
		for _, b := range p.bases {
			if b.Cursor.Seq < s.Cursor.CycleSeq && b.Cursor.Hash == p.g.Hash {
				base, from = b, b.Cursor.Seq+1
				base.Identity = made.Identity
			}
		}
		for _, rec := range slices.Backward(p.records) {
			if rec.Seq >= from && rec.Seq <= s.Cursor.Seq {
				rec.Stack = "fork"
				records = slices.Insert(records, 0, rec)
			}
		}
	} else {
		base.Cursor, base.State = s.Cursor, s.State
		base.Cursor.CycleSeq, base.Cursor.Inbox = s.Cursor.Seq+1, 0
	}
	forked := journal.Snapshot{Identity: made.Identity, Cursor: made.Cursor, State: maps.Clone(s.State)}
	r := newRig(t, p.g)
	r.o, r.clock, r.id, r.unchecked = p.o, at, made.Identity, true
	r.o.Rest = false
	for _, c := range made.Changes {
		forked.State[c.Name] = c.Value
	}
	for name, v := range forked.State {
		r.state[name] = value.Append(nil, v)
	}
	for _, rec := range records {
		r.journal = append(r.journal, journal.AppendRecord(nil, rec, true))
		if rec.Seq >= made.Cursor.CycleSeq {
			forked.Records = append(forked.Records, rec)
		}
	}
	r.records = records
	if r.cursor, err = json.Marshal(made.Cursor); err != nil {
		t.Fatal(err)
	}
	switch c := made.Cursor; {
	case c.Status != journal.Running, c.Closing != nil, c.Inbox+c.Outbox != 0, len(c.Queued)+len(c.Ending)+len(c.Children)+len(c.Parked) > 0:
		t.Errorf("a fork at record %d stands as %+v", s.Cursor.Seq, c)
	}
	if r.m, err = Restore(p.g, r.o, forked, at); err != nil {
		t.Fatalf("fork at record %d: %v", s.Cursor.Seq, err)
	}
	r.drain()
	r.exhaust()
	again := Replayer{Graphs: r.graphs, Options: r.o, Base: base, Records: stream(r.records)}
	m, differences, err := again.To(journal.Point{})
	if err != nil {
		t.Fatalf("fork at record %d: %v", s.Cursor.Seq, err)
	}
	for _, d := range differences {
		t.Errorf("replay of a fork at record %d: %v", s.Cursor.Seq, d)
	}
	if d := cmp.Diff(r.stateText(), stateOf(m)); d != "" {
		t.Errorf("fork at record %d (-recorded +replayed)\n%s", s.Cursor.Seq, d)
	}
}

// exhaust runs what there is to run for a while: every other task fails.
func (r *rig) exhaust() {
	for n := range 12 {
		if r.m.Cursor().Status.Ended() {
			return
		}
		names := slices.Sorted(maps.Keys(r.tasks))
		if len(names) == 0 {
			at := r.m.WakeAt()
			if at.IsZero() {
				return
			}
			r.clock = at
			r.step(Woke{At: at})
			r.drain()
			continue
		}
		r.clock = r.clock.Add(time.Second)
		r.fail(names[n%len(names)], journal.Failure{Kind: "error", Message: "no more"})
		r.drain()
	}
}
