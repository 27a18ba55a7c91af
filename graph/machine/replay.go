package machine

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// Point is a place in a stack's history: the commit of a wave, or with Wave 0
// the end of a cycle. The zero Point is the end of the history.
type Point struct{ Cycle, Wave uint64 }

// String is CYCLE or CYCLE.WAVE.
func (p Point) String() string {
	if p.Wave == 0 {
		return fmt.Sprint(p.Cycle)
	}
	return fmt.Sprintf("%d.%d", p.Cycle, p.Wave)
}

// ParsePoint reads CYCLE[.WAVE], both counted from 1; "" is the zero Point, now.
func ParsePoint(s string) (Point, error) {
	if s == "" {
		return Point{}, nil
	}
	cycle, wave, hasWave := strings.Cut(s, ".")
	var p Point
	var err error
	if p.Cycle, err = strconv.ParseUint(cycle, 10, 64); err == nil && hasWave {
		p.Wave, err = strconv.ParseUint(wave, 10, 64)
	}
	if err != nil || p.Cycle == 0 || hasWave && p.Wave == 0 {
		return Point{}, fmt.Errorf("%q: expected CYCLE or CYCLE.WAVE, counted from 1", s)
	}
	return p, nil
}

// Ends reports that a record is the one that completes what p names.
func (p Point) Ends(r Record) bool {
	if p == (Point{}) || r.Cycle != p.Cycle {
		return false
	}
	switch b := r.Body.(type) {
	case *WaveCommitted:
		return b.Wave == p.Wave && p.Wave > 0
	case *CycleFinished, *StackFinished:
		return p.Wave == 0
	}
	return false
}

// Graphs finds a definition that a stack ran under by its hash.
type Graphs func(hash string) (*graph.Graph, error)

// Difference is a record that the machine would not write again as it is.
type Difference struct {
	Recorded *Record // nil: the history ends before it
	Decided  *Record // nil: nothing was decided in its place
}

func (d Difference) String() string {
	return fmt.Sprintf("recorded %s, decided %s", lineOf(d.Recorded), lineOf(d.Decided))
}

func lineOf(r *Record) string {
	if r == nil {
		return "nothing"
	}
	return string(AppendRecord(nil, *r, true))
}

// ErrHistory: the records do not begin with the start of the stack.
var ErrHistory = errors.New("machine: the history does not reach back to the start of the stack")

// Replay decides a stack's history again: a new machine is fed the recorded
// results, and what it decides is held against what was recorded, byte by
// byte. It stops at until, at the end of the records, or where the two part for
// good. The machine it gives stands there; it is not to be stepped further.
func Replay(graphs Graphs, o Options, id Identity, records []Record, until Point) (*Machine, []Difference, error) {
	if len(records) == 0 || records[0].Seq != 1 {
		return nil, nil, ErrHistory
	}
	first, ok := records[0].Body.(*StackStarted)
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
func ReplayFrom(graphs Graphs, o Options, base Snapshot, records []Record, until Point) (*Machine, []Difference, error) {
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

func replayOn(m *Machine, graphs Graphs, records []Record, until Point) (*Machine, []Difference, error) {
	p := replay{m: m, graphs: graphs, records: records, until: until}
	m.pace = p.pace
	err := p.run()
	return m, p.differences, err
}

// replay walks through the records: next is the first that is not compared.
type replay struct {
	m           *Machine
	graphs      Graphs
	records     []Record
	until       Point
	next        int
	again       []Record // what the machine decided, in step with records
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
	if !bytes.Equal(AppendRecord(nil, *rec, true), AppendRecord(nil, *now, true)) {
		p.differences = append(p.differences, Difference{Recorded: rec, Decided: now})
		p.done = rec.Body.Type() != now.Body.Type()
	}
	p.done = p.done || p.until.Ends(*rec)
}
