package machine

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Graphs finds a definition that a stack ran under by its hash.
type Graphs func(hash string) (*graph.Graph, error)

// Difference is a record that the machine would not write again as it is.
type Difference struct {
	Recorded *journal.Record // nil: the history ends before it
	Decided  *journal.Record // nil: nothing was decided in its place
}

func (d Difference) String() string {
	return fmt.Sprintf("recorded %s, decided %s", lineOf(d.Recorded), lineOf(d.Decided))
}

func lineOf(r *journal.Record) string {
	if r == nil {
		return "nothing"
	}
	return string(journal.AppendRecord(nil, *r, true))
}

// ErrHistory: the records do not begin with the start of the stack.
var ErrHistory = errors.New("machine: the history does not reach back to the start of the stack")

// Replay decides a stack's history again: a new machine is fed the recorded
// results, and what it decides is held against what was recorded, byte by
// byte. It stops at until, at the end of the records, or where the two part for
// good. The machine it gives stands there; it is not to be stepped further.
func Replay(graphs Graphs, o Options, id journal.Identity, records []journal.Record, until journal.Point) (*Machine, []Difference, error) {
	if len(records) == 0 || records[0].Seq != 1 {
		return nil, nil, ErrHistory
	}
	first, ok := records[0].Body.(*journal.StackStarted)
	if !ok {
		return nil, nil, ErrHistory
	}
	g, err := graphs(first.Hash)
	if err != nil {
		return nil, nil, err
	}
	id.Params = first.Params
	m, err := New(g, o, id, first.State, records[0].Time)
	if err != nil {
		return nil, nil, err
	}
	return replayOn(m, graphs, records, until)
}

// ReplayFrom is Replay for a history that was cut off: base is the stack at the
// end of a cycle, and the records are those that follow it.
func ReplayFrom(graphs Graphs, o Options, base journal.Snapshot, records []journal.Record, until journal.Point) (*Machine, []Difference, error) {
	if base.Cursor.Open || len(records) > 0 && records[0].Seq != base.Cursor.Seq+1 {
		return nil, nil, ErrHistory
	}
	g, err := graphs(base.Cursor.Hash)
	if err != nil {
		return nil, nil, err
	}
	at := base.Identity.CreatedAt
	if len(records) > 0 {
		at = records[0].Time
	}
	m, err := Restore(g, o, base, at)
	if err != nil {
		return nil, nil, err
	}
	return replayOn(m, graphs, records, until)
}

func replayOn(m *Machine, graphs Graphs, records []journal.Record, until journal.Point) (*Machine, []Difference, error) {
	p := replay{m: m, graphs: graphs, records: records, until: until}
	m.pace = p.pace
	err := p.run()
	return m, p.differences, err
}

// replay walks through the records: next is the first that is not compared.
type replay struct {
	m           *Machine
	graphs      Graphs
	records     []journal.Record
	until       journal.Point
	next        int
	again       []journal.Record // what the machine decided, in step with records
	differences []Difference
	done        bool
}

// pace gives the time at which the machine took its next decision then: a
// pause of the stack or a restart may have come between. false: something came
// in first.
func (p *replay) pace(at time.Time) (time.Time, bool) {
	n := len(p.again) + len(p.m.out.records)
	if n >= len(p.records) {
		return at, true
	}
	return p.records[n].Time, !cameIn(p.records[n:])
}

func (p *replay) run() error {
	for !p.done && p.next < len(p.records) {
		if p.next == len(p.again) {
			p.pull()
		}
		if p.next == len(p.again) {
			if err := p.feed(); err != nil {
				return err
			}
			p.pull()
		}
		p.compare()
	}
	return nil
}

// pull takes what the machine has decided, a commit at a time.
func (p *replay) pull() {
	for !p.done {
		r, ok := p.m.Ready()
		if !ok {
			return
		}
		p.again = append(p.again, r.Records...)
		for _, rec := range r.Records {
			if p.until.Ends(rec) {
				return // Advance would go on past it
			}
		}
		p.m.Advance()
	}
}

// compare holds the next record against the one that was decided again.
func (p *replay) compare() {
	rec := &p.records[p.next]
	if p.next >= len(p.again) {
		p.differences = append(p.differences, Difference{Recorded: rec})
		p.done = true
		return
	}
	now := &p.again[p.next]
	p.next++
	if !bytes.Equal(journal.AppendRecord(nil, *rec, true), journal.AppendRecord(nil, *now, true)) {
		p.differences = append(p.differences, Difference{Recorded: rec, Decided: now})
		p.done = rec.Body.Type() != now.Body.Type()
	}
	p.done = p.done || p.until.Ends(*rec)
}
