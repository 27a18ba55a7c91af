package machine

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Graphs finds a definition that a stack ran under by its hash.
type Graphs func(hash string) (*graph.Graph, error)

// Difference is a record that the machine would not write again as it is.
type Difference struct {
	Recorded *journal.Record // nil if the history ends before it
	Decided  *journal.Record // nil if nothing was decided in its place
}

// Parts reports that a replay cannot continue after the difference.
func (d Difference) Parts() bool {
	return d.Recorded == nil || d.Decided == nil || d.Recorded.Body.Type() != d.Decided.Body.Type()
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

var (
	// ErrHistory says that the records do not begin where the base ends.
	ErrHistory = errors.New("machine: the history does not reach back to its base")
	// ErrNoRecord says that the history ends, or differs from what is decided again,
	// before the record that was asked for.
	ErrNoRecord = errors.New("machine: the record cannot be reached")
)

// Replayer decides a stack's history again. A new machine is fed the recorded
// results, and what it decides is held against what was recorded, byte by byte.
// Records are read one by one, and only those that come next are in memory.
//
// The machines that it gives stand within a history, and are not to be stepped:
// they are for their State, Cursor, Snapshot, Decision, Stops and the like.
type Replayer struct {
	Graphs  Graphs
	Options Options // no secrets and no mask are needed: recorded results are masked already

	// Base is the stack at the end of the cycle with which its kept history begins.
	// With a Cursor.Seq of 0 nothing was deleted, and of Base only the Identity
	// matters.
	Base journal.Snapshot

	// Records are those that follow Base, in order. It is read once for each call
	// of To or Before, and not further than needed. An error ends the replay.
	Records iter.Seq2[journal.Record, error]

	// Watch hears of the decisions as they are taken again.
	Watch Watch
}

// Point is journal.Point, for programs that look into a history with inspect.At.
type Point = journal.Point

// To replays up to a point of the history, the zero Point for all of it. It stops
// before, where recorded and decided part for good. Without any record after Base
// it gives the stack as it is there. A history that ends before the point is no error.
func (p Replayer) To(until journal.Point) (*Machine, []Difference, error) {
	r := replay{graphs: p.Graphs, until: until}
	err := r.over(p)
	return r.m, r.differences, err
}

// Before replays until record seq would be written. The decisions of one moment
// are taken together: before any of them, the machine stands where it takes the
// first. So are the beginning of a cycle and what it begins with. ErrNoRecord when there is no such record; a history that cannot be
// decided again that far is an error that wraps it.
func (p Replayer) Before(seq uint64) (*Machine, error) {
	r := replay{graphs: p.Graphs, before: seq}
	err := r.over(p)
	switch {
	case err != nil:
		return nil, err
	case len(r.differences) > 0:
		return nil, fmt.Errorf("%w: record %d: %v", ErrNoRecord, seq, r.differences[0])
	case !r.stopped:
		return nil, fmt.Errorf("%w: there is no record %d", ErrNoRecord, seq)
	}
	return r.m, nil
}

// replay walks through the records. window has those that are read and not
// compared yet, and again what the machine decided in their place.
type replay struct {
	m           *Machine
	graphs      Graphs
	id          journal.Identity // of the stack
	until       journal.Point
	before      uint64 // the record that is not to be written; 0 for none
	read        func() (journal.Record, error, bool)
	failed      error // of reading
	window      []journal.Record
	again       []journal.Record
	differences []Difference
	stopped     bool // before the record that was asked for
	done        bool

	was, is []byte // of the records that are compared

	side *backtest // that walks beside it; else nil
}

// stopHere unwinds a machine that is about to write the record to stop before.
type stopHere struct{}

// over sets the machine up and walks.
func (p *replay) over(r Replayer) (err error) {
	if r.Records == nil {
		r.Records = func(func(journal.Record, error) bool) {}
	}
	read, stop := iter.Pull2(r.Records)
	defer stop()
	p.read = read
	if err := p.begin(r); err != nil || p.until == (journal.Point{Start: true}) {
		return err
	}
	p.m.pace, p.m.told, p.m.opened, p.m.dueThen = p.pace, p.told, p.opened, p.dueThen
	p.m.stopBefore = p.before
	p.m.Watch(r.Watch)
	if p.side != nil {
		p.m.beginning = func() { p.side.begins(p.m) }
	}
	defer func() {
		if what := recover(); what != nil {
			if _, ok := what.(stopHere); !ok {
				panic(what)
			}
			p.stopped = true
			p.compareRest()
		}
	}()
	return p.run()
}

func (p *replay) begin(r Replayer) error {
	first, ok := p.peek(0)
	if p.failed != nil {
		return p.failed
	}
	p.id = r.Base.Identity
	r.Base.Identity = p.id.At(r.Base.Cursor.Seq)
	if r.Base.Cursor.Seq == 0 {
		return p.fromStart(r, first)
	}
	if r.Base.Cursor.Open || ok && first.Seq != r.Base.Cursor.Seq+1 {
		return ErrHistory
	}
	g, err := p.graphs(r.Base.Cursor.Hash)
	if err != nil {
		return err
	}
	at := r.Base.Identity.CreatedAt
	if ok {
		at = first.Time
	}
	base := r.Base
	base.Cursor.Parked = nil // a restart that ended it is in no record
	if base.Cursor.Status == journal.Paused {
		base.Cursor.Status = journal.Running // no record says when it was resumed
	}
	p.m, err = restore(g, r.Options, base, at, true)
	return err
}

func (p *replay) fromStart(r Replayer, first journal.Record) error {
	b, ok := first.Body.(*journal.StackStarted)
	if !ok || first.Seq != 1 {
		return ErrHistory
	}
	g, err := p.graphs(b.Hash)
	if err != nil {
		return err
	}
	id := r.Base.Identity
	id.Params = b.Params
	if p.before == 1 {
		return fmt.Errorf("%w: there is nothing before record 1", ErrNoRecord)
	}
	o := r.Options
	o.By = b.By
	p.m, err = New(g, o, id, b.State, first.Time)
	return err
}

// peek gives record i of those that are not compared yet; false at their end.
func (p *replay) peek(i int) (journal.Record, bool) {
	for len(p.window) <= i {
		if p.failed != nil {
			return journal.Record{}, false
		}
		rec, err, ok := p.read()
		if p.failed = err; !ok || err != nil {
			return journal.Record{}, false
		}
		p.window = append(p.window, rec)
	}
	return p.window[i], true
}

// pace gives the time at which the machine took its next decision then: a
// pause of the stack or a restart may have come between. It returns false if something came
// in first, or the replay is to stop.
func (p *replay) pace(at time.Time) (time.Time, bool) {
	if p.reached() {
		panic(stopHere{})
	}
	n := p.pending()
	rec, ok := p.peek(n)
	if !ok { // nothing was decided after what is recorded
		return at, false
	}
	if p.before > 0 && p.decides(n) {
		panic(stopHere{})
	}
	return rec.Time, !p.cameIn(n)
}

// pending is how many records were decided again and are not compared yet.
func (p *replay) pending() int { return len(p.again) + journal.Count(p.m.out.records) }

// reached reports that the machine stands at the point to stop at.
func (p *replay) reached() bool {
	if p.until.Start {
		return p.m.cur.Open && p.m.cur.Cycle == p.until.Cycle
	}
	last := len(p.m.out.records) - 1
	return last >= 0 && p.until.Ends(p.m.out.records[last])
}

// told is how a wait ended then, if that comes next; else nil.
func (p *replay) told(w *journal.Waiting) *journal.TaskFinished {
	rec, ok := p.peek(p.pending())
	if !ok {
		return nil
	}
	b, ok := rec.Body.(*journal.TaskFinished)
	if !ok || p.m.finishedKey(b) != w.Task() {
		return nil
	}
	return b
}

// dueThen is the moment of the schedule that the cycle was for which begins next.
func (p *replay) dueThen() (time.Time, bool) {
	rec, ok := p.peek(p.pending())
	if !ok {
		return time.Time{}, false
	}
	b, ok := rec.Body.(*journal.CycleStarted)
	if !ok {
		return time.Time{}, false
	}
	return b.Due, true
}

// opened says whether the wait of an element began then, as what comes next.
func (p *replay) opened(key journal.TaskKey) bool {
	rec, ok := p.peek(p.pending())
	if !ok {
		return true
	}
	b, ok := rec.Body.(*journal.TaskStarted)
	return ok && p.m.startedKey(b) == key
}

// decides reports that the record to stop before is one of the decisions that
// the machine is about to take, or the beginning of their wave.
func (p *replay) decides(n int) bool {
	for ; ; n++ {
		rec, ok := p.peek(n)
		if !ok {
			return false
		}
		_, decision := rec.Body.(*journal.NodeDecided)
		_, wave := rec.Body.(*journal.WaveStarted)
		if rec.Seq == p.before {
			return decision || wave
		}
		if !decision {
			return false
		}
	}
}

func (p *replay) run() error {
	for !p.done {
		if _, ok := p.peek(0); !ok {
			break
		}
		if len(p.again) == 0 {
			p.pull()
		}
		if len(p.again) == 0 {
			if p.stopsHere() {
				p.stopped = true
				return nil
			}
			if err := p.feed(); err != nil {
				return err
			}
			p.pull()
		}
		p.compare()
	}
	return p.failed
}

// stopsHere reports that the next record, which came in, is the one to stop
// before; or that it begins a cycle, and the other is what the cycle begins with.
func (p *replay) stopsHere() bool {
	if p.window[0].Seq == p.before {
		return true
	}
	if _, ok := p.window[0].Body.(*journal.CycleStarted); !ok {
		return false
	}
	for i := 1; ; i++ {
		rec, ok := p.peek(i)
		if !ok {
			return false
		}
		switch b := rec.Body.(type) {
		case *journal.TaskFinished: // of waits that events settle
			if rec.Seq == p.before && p.begins(i) {
				return true
			}
		case *journal.WaveCommitted:
			return b.Wave == 0 && rec.Seq == p.before
		default:
			return false
		}
	}
}

// begins reports whether the records from i on are what a cycle begins with.
func (p *replay) begins(i int) bool {
	for ; ; i++ {
		rec, ok := p.peek(i)
		if !ok {
			return false
		}
		switch b := rec.Body.(type) {
		case *journal.TaskFinished:
		case *journal.WaveCommitted:
			return b.Wave == 0
		default:
			return false
		}
	}
}

// pull takes what the machine has decided, a commit at a time.
func (p *replay) pull() {
	for !p.done {
		r, ok := p.m.Ready()
		if !ok {
			return
		}
		p.again = slices.AppendSeq(p.again, journal.EachRecord(r.Records))
		if p.side != nil {
			p.side.starts(r.Start)
		}
		for _, rec := range r.Records {
			if p.until.Ends(rec) {
				return // Advance would go past it
			}
		}
		p.m.Advance()
	}
}

// compare holds the next record against the one that was decided again.
func (p *replay) compare() {
	rec := p.window[0]
	if p.side != nil {
		if p.side.sees(rec); p.side.failed != nil {
			p.failed, p.done = p.side.failed, true
			return
		}
	}
	if len(p.again) == 0 {
		p.differences = append(p.differences, Difference{Recorded: &rec})
		p.done = true
		return
	}
	now := p.again[0]
	now.Stack = p.id.Stack // a fork has the records of the stack before it under its own id
	p.window, p.again = p.window[1:], p.again[1:]
	if !p.sameRecord(rec, now) && !onlyPausesLess(rec, now) {
		p.differences = append(p.differences, Difference{Recorded: &rec, Decided: &now})
		p.done = p.differences[len(p.differences)-1].Parts()
	}
	p.done = p.done || p.until.Ends(rec)
}

// onlyPausesLess reports that a failed cycle ended as it is decided again, but for a
// shorter pause: versions before failed_pause wrote such histories.
func onlyPausesLess(rec, now journal.Record) bool {
	was, ok := rec.Body.(*journal.CycleFinished)
	is, same := now.Body.(*journal.CycleFinished)
	if !ok || !same || !was.Failed || was.Pause >= is.Pause {
		return false
	}
	b := *is
	b.Pause, now.Body = was.Pause, &b
	return bytes.Equal(journal.AppendRecord(nil, rec, true), journal.AppendRecord(nil, now, true))
}

// compareRest compares what the machine decided before it was stopped.
func (p *replay) compareRest() {
	p.again = slices.AppendSeq(p.again, journal.EachRecord(p.m.out.records))
	for len(p.again) > 0 && !p.done {
		if _, ok := p.peek(0); !ok {
			return
		}
		p.compare()
	}
}
