package temporaldriver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// A history must not grow for ever, so the workflow of a stack continues as another one now and
// then, which takes the whole stack along: where it stands, its state, and the end of its
// history.

// carried is what a workflow gets of the one before.
type carried struct {
	Stack   []byte               `json:"stack"` // an image, packed
	Kids    map[string]*kid      `json:"kids,omitempty"`
	Lost    []lostAttempt        `json:"lost,omitempty"`
	Slots   map[string]*session  `json:"slots,omitempty"`
	Asked   uint64               `json:"asked,omitempty"`
	Held    []command            `json:"held,omitempty"`
	Offered *journal.StoredGraph `json:"offered,omitempty"`
	Leads   *leadingMessage      `json:"leads,omitempty"`
	Told    journal.Counts       `json:"told"`
	Rested  bool                 `json:"rested,omitempty"`
	Shown   shown                `json:"shown"`
	Posting []notice             `json:"posting,omitempty"`
	At      time.Time            `json:"at"`
}

// lostAttempt is an attempt that ended with its process, and that none has followed yet.
type lostAttempt struct {
	Cycle   uint64 `json:"cycle"`
	Wave    uint64 `json:"wave"`
	Node    string `json:"node"`
	Item    string `json:"item,omitempty"`
	Attempt int    `json:"attempt"`
	Clean   bool   `json:"clean,omitempty"`
}

type leadingMessage struct {
	Standing byte   `json:"standing"`
	Reason   string `json:"reason,omitempty"`
	Metered  bool   `json:"metered,omitempty"`
}

// largest bounds what a workflow takes along where large values have no store of their own: a
// cluster takes 2 MB.
const largest = 1 << 20

// carryOn continues the workflow before this one, if there was one.
func (s *stack) carryOn() error {
	if s.in.Identity.Nonce == "" {
		s.in.Identity.Nonce = cmp.Or(s.w.probe.nonce, workflow.GetInfo(s.ctx).OriginalRunID)
	}
	if s.in.Taken.IsZero() {
		s.in.Taken = workflow.Now(s.ctx).UTC()
	}
	c := s.in.Carried
	if c == nil {
		return nil
	}
	s.in.Carried = nil
	m, err := unpackImage(c.Stack)
	if err != nil {
		panic(err) // a later version may know its form
	}
	if err := s.store.Put(m); err != nil {
		return err
	}
	s.cursor, s.at = m.Cursor, c.At
	s.in.Identity = m.Identity
	s.ledger.seq = m.Cursor.Seq
	for k, v := range m.State { // in any order: a copy
		s.ledger.state[k] = v
	}
	snap, err := s.store.Load(context.Background(), s.name)
	if err != nil {
		return err
	}
	s.tasks.Take(snap.Records)
	s.held, s.offered, s.told, s.rested, s.shown = c.Held, c.Offered, c.Told, c.Rested, c.Shown
	for _, n := range c.Posting {
		s.notify(n)
	}
	for _, l := range c.Lost {
		s.lost[attemptID{journal.TaskKey{Cycle: l.Cycle, Wave: l.Wave, Node: l.Node, Item: l.Item}, l.Attempt}] = l.Clean
	}
	if c.Kids != nil {
		s.kids = c.Kids
	}
	s.asked = c.Asked
	if c.Slots != nil {
		s.sessions = c.Slots
	}
	for _, se := range s.sessions { // in any order: each for itself
		se.Again = true
	}
	if l := c.Leads; l != nil {
		s.leads = leading{l.Standing, l.Reason, l.Metered}
	}
	return nil
}

// How long the history of a workflow is. A decision records it, because it follows from the
// options of the worker that decides too, and a replay has to do the same.
const (
	dueSoon = iota + 1 // the workflow is to continue as another one when no cycle is open
	dueNow             // it is to continue as soon as it can
)

// drainAt is about when a cluster suggests to continue as another workflow, in events.
const drainAt = 4096

// due is how long the history is in a workflow that decides now.
func (s *stack) due() uint64 {
	info := workflow.GetInfo(s.ctx)
	events, most := info.GetCurrentHistoryLength(), drainAt
	if n := s.w.o.EventsPerRun; n > 0 {
		most = min(most, n)
	}
	switch {
	case events >= 2*most:
		return dueNow
	case info.GetContinueAsNewSuggested(), events >= s.w.o.EventsPerRun && s.w.o.EventsPerRun > 0:
		return dueSoon
	}
	return 0
}

// mayContinue reports whether the workflow is to continue as another one now: its history is
// long, and nothing is under way that would be lost. Attempts that run get a while to end; then
// they are cut off as in a shutdown, and run again in the next workflow.
func (s *stack) mayContinue() bool {
	if s.isDue == 0 || len(s.inbox) > 0 || s.busy > 0 {
		return false
	}
	for _, k := range s.kids { // in any order: whether there is one
		if k.begins { // the cluster might not begin it any more
			return false
		}
	}
	if len(s.flights) == 0 {
		return true
	}
	if !s.drains && (!s.cursor.Open || s.isDue == dueNow) {
		s.drain()
	}
	return false
}

// drain lets no attempt begin any more. Those that run are cut off when the grace is over.
func (s *stack) drain() {
	s.drains = true
	grace := workflow.NewTimer(s.ctx, s.w.o.Grace)
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		if grace.Get(ctx, nil) != nil {
			return
		}
		for _, id := range s.flightIDs() {
			f := s.flights[id]
			if !f.ends {
				f.drained = true
				f.cancel()
			}
		}
	})
}

// continueAsNew continues the stack as another workflow. Messages have to arrive before: a cluster
// drops those of a workflow that is closed. It returns nil if something has come meanwhile, which
// is decided first.
func (s *stack) continueAsNew() error {
	err := workflow.Await(s.ctx, func() bool {
		return len(s.inbox) > 0 || workflow.AllHandlersFinished(s.ctx) && len(s.telling) == 0 && len(s.outbox) == 0
	})
	if err != nil || len(s.inbox) > 0 {
		return err
	}
	m, err := s.store.Image(context.Background(), s.name)
	if err != nil {
		return err
	}
	b, err := packImage(&m)
	if err != nil {
		return err
	}
	if len(b) > largest && !s.w.o.LargeValues {
		m.Shorten(s.at)
		if b, err = packImage(&m); err != nil {
			return err
		}
	}
	in := s.in
	in.State, in.Graph = value.Value{}, journal.StoredGraph{}
	in.Carried = &carried{Stack: b, Kids: s.kids, Slots: s.sessions, Asked: s.asked, Held: s.held, Offered: s.offered, Told: s.told, Rested: s.rested,
		Shown: s.shown, Posting: s.notices(), At: s.at, Leads: &leadingMessage{s.leads.standing, s.leads.reason, s.leads.metered}}
	for _, id := range s.lostIDs() {
		in.Carried.Lost = append(in.Carried.Lost, lostAttempt{id.Cycle, id.Wave, id.Node, id.Item, id.Attempt, s.lost[id]})
	}
	return workflow.NewContinueAsNewError(s.ctx, WorkflowType, in)
}

const (
	imageIdentity = iota + 1
	imageCursor
	imageState
	imageFirst
	imagePoint
	imageRecords
	imageGraph
	imageSeq // of the first record
	imageMemory
)

// packImage writes a stack as the next workflow gets it.
func packImage(m *memstore.Image) ([]byte, error) {
	var w writer
	var p journal.Packer
	w.bytes(imageIdentity, p.Identity(nil, &m.Identity))
	w.bytes(imageCursor, p.Cursor(nil, &m.Cursor))
	w.bytes(imageState, value.AppendBinary(nil, any(m.State)))
	w.uint(imageFirst, m.First)
	for i := range m.Points {
		at := &m.Points[i]
		w.within(imagePoint, func(w *writer) {
			w.bytes(1, p.Cursor(nil, &at.Cursor))
			w.bytes(2, value.AppendBinary(nil, any(at.State)))
			w.time(3, at.At)
		})
	}
	for _, records := range m.Records {
		w.uint(imageSeq, records[0].Seq)
		w.bytes(imageRecords, p.Records(nil, records, nil, nil))
	}
	for i := range m.Memories {
		own := &m.Memories[i]
		state, err := json.Marshal(own.State)
		if err != nil {
			return nil, err
		}
		w.within(imageMemory, func(w *writer) {
			w.text(1, own.Name)
			w.bytes(2, state)
			for j := range own.Items {
				it := &own.Items[j]
				w.within(3, func(w *writer) {
					w.uint(1, it.Seq)
					w.text(2, it.ID)
					w.text(3, it.Text)
					w.bytes(4, value.AppendBinary(nil, it.Data))
					w.bytes(5, it.Vector)
					w.uint(6, it.Epoch)
				})
			}
		})
	}
	for i := range m.Graphs {
		b, err := json.Marshal(m.Graphs[i].Graph)
		if err != nil {
			return nil, err
		}
		w.within(imageGraph, func(w *writer) {
			w.bytes(1, b)
			w.uint(2, m.Graphs[i].From)
		})
	}
	return w.b, nil
}

// unpackItem reads an item of a memory.
func unpackItem(b []byte) (it journal.MemoryItem, err error) {
	err = eachField(b, func(f field) (err error) {
		switch f.number {
		case 1:
			it.Seq = f.n
		case 2:
			it.ID = string(f.bytes)
		case 3:
			it.Text = string(f.bytes)
		case 4:
			it.Data, err = value.ParseBinary(f.bytes)
		case 5:
			if len(f.bytes) > 0 {
				it.Vector = slices.Clone(f.bytes)
			}
		case 6:
			it.Epoch = f.n
		}
		return err
	})
	return it, err
}

// unpackImage reads what packImage wrote.
func unpackImage(b []byte) (memstore.Image, error) {
	var m memstore.Image
	seq := uint64(0)
	object := func(b []byte) (map[string]any, error) {
		v, err := value.ParseBinary(b)
		o, ok := v.(map[string]any)
		if err == nil && !ok {
			err = errors.New("a state that is no object")
		}
		return o, err
	}
	err := eachField(b, func(f field) (err error) {
		switch f.number {
		case imageIdentity:
			m.Identity, err = journal.ParseIdentity(f.bytes)
		case imageCursor:
			m.Cursor, err = journal.ParseCursor(f.bytes)
		case imageState:
			m.State, err = object(f.bytes)
		case imageFirst:
			m.First = f.n
		case imagePoint:
			var p memstore.Point
			err = eachField(f.bytes, func(f field) (err error) {
				switch f.number {
				case 1:
					p.Cursor, err = journal.ParseCursor(f.bytes)
				case 2:
					p.State, err = object(f.bytes)
				case 3:
					p.At = f.time()
				}
				return err
			})
			m.Points = append(m.Points, p)
		case imageSeq:
			seq = f.n
		case imageRecords:
			var list []journal.Record
			u := journal.Unpack(f.bytes, m.Identity.Stack, seq, nil)
			for u.Next() {
				r, err := u.Record()
				if err != nil {
					return err
				}
				list = append(list, r)
			}
			if err = u.Err(); err == nil && len(list) > 0 {
				m.Records = append(m.Records, list)
			}
		case imageMemory:
			var own memstore.Memory
			err = eachField(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					own.Name = string(f.bytes)
				case 2:
					return json.Unmarshal(f.bytes, &own.State)
				case 3:
					it, err := unpackItem(f.bytes)
					own.Items = append(own.Items, it)
					return err
				}
				return nil
			})
			m.Memories = append(m.Memories, own)
		case imageGraph:
			var u memstore.Use
			err = eachField(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					return json.Unmarshal(f.bytes, &u.Graph)
				case 2:
					u.From = f.n
				}
				return nil
			})
			m.Graphs = append(m.Graphs, u)
		}
		return err
	})
	if err != nil {
		return m, fmt.Errorf("a stack of the workflow before: %w", err)
	}
	return m, nil
}

// The types of failures that a cluster shows.
const (
	failureStart   = "graphrun.start"   // a stack could not begin
	failureLimit   = "graphrun.limit"   // a value is too large to travel
	failureConfig  = "graphrun.config"  // a worker cannot do the work
	failureUnknown = "graphrun.unknown" // a command that the worker does not know
)

// newStartError fails the workflow of a stack that could not begin.
func newStartError(why string) error {
	return temporal.NewNonRetryableApplicationError(why, failureStart, nil)
}

// flightIDs are the attempts that run, in the order in which they began.
func (s *stack) flightIDs() []attemptID {
	ids := make([]attemptID, 0, len(s.flights))
	for id := range s.flights { // in any order: sorted
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b attemptID) int { return cmp.Compare(s.flights[a].nth, s.flights[b].nth) })
	return ids
}
