package temporaldriver

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// decision is what a machine made of some inputs: what it committed, and what is to be done
// then. The workflow records it as a side effect, so a replay makes the same commits and does
// the same, whatever the machine of the replaying program would decide.
type decision struct {
	commits []commit
	begins  []begin     // attempts that begin
	ends    []attemptID // attempts that are to end
	sends   []sending   // messages to other stacks
	notices []notice    // to hooks that are to be delivered
	drops   []string    // stacks of attempts that are needed no more
	refused []refusal   // inputs that were refused
	wake    time.Time   // when the machine is to be woken; the zero time means not by a timer
	resting bool        // the stack only waits for somebody outside
	leads   leading     // what its children are to do
	unfit   string      // why the stack continues without the changed graph that it was offered
	shows   bool        // the cluster is to show where the stack stands
	again   bool        // tasks of before a change of the graph wait: the machine is made again
	needs   []need      // of the tasks that wait
	weight  int         // bytes of the inputs of the attempts that begin
	due     uint64      // how long the history is: see stack.due
	ended   bool
	failed  string // the stack cannot begin; never recorded with anything else
}

// attemptID tells an attempt from all others of a stack.
type attemptID struct {
	journal.TaskKey
	Attempt int
}

// begin is an attempt that begins. What the work needs travels once, when it is decided.
type begin struct {
	attemptID
	pool    string        // the task queue
	slot    string        // the pool over all workers that its slot is of; "" for none
	lock    string        // that it takes, see lockOf; "" for none
	timeout time.Duration // 0 means none
	child   string        // the stack that does the work; "" for all other work
	task    *taskInput    // only where it is decided
	birth   *Input        // of the child, only where it is decided
}

// sending is a message to another stack.
type sending struct {
	id, to string
	event  *eventSignal // only where it is decided
}

// refusal is an input that was refused, by its place among those that were decided together.
type refusal struct {
	at  int
	err wireError
}

// leading is what a stack wants of its children.
type leading struct {
	standing byte
	reason   string
	metered  bool
}

// commit is a runtime.Commit of the one stack of a workflow.
type commit struct{ runtime.Commit }

const (
	decisionCommit = iota + 1
	decisionBegin
	decisionEnd
	decisionSend
	decisionNotice
	decisionDrop
	decisionRefused
	decisionWake
	decisionResting
	decisionLeads
	decisionEnded
	decisionUnfit
	decisionFailed
	decisionAgain
	decisionWeight
	decisionDue
	decisionShows
	decisionNeed
)

// encode writes a decision. known are the shapes that the history has already; shapes of
// commits are added to it.
func (d *decision) encode(known map[journal.ShapeID]*journal.Shape) ([]byte, error) {
	var w writer
	var failed error
	for i := range d.commits {
		w.within(decisionCommit, func(w *writer) {
			if err := d.commits[i].encode(w, known); err != nil {
				failed = err
			}
		})
	}
	for i := range d.begins {
		b := &d.begins[i]
		w.within(decisionBegin, func(w *writer) {
			b.encode(w)
			w.text(10, b.pool)
			w.uint(12, uint64(b.timeout))
			w.text(13, b.child)
			w.text(14, b.slot)
			w.text(15, b.lock)
		})
	}
	for i := range d.ends {
		w.within(decisionEnd, d.ends[i].encode)
	}
	for _, s := range d.sends {
		w.within(decisionSend, func(w *writer) {
			w.text(1, s.id)
			w.text(2, s.to)
		})
	}
	for i := range d.notices {
		b, err := json.Marshal(d.notices[i])
		if err != nil {
			failed = err
		}
		w.bytes(decisionNotice, b)
	}
	for _, id := range d.drops {
		w.text(decisionDrop, id)
	}
	for i := range d.refused {
		r := &d.refused[i]
		w.within(decisionRefused, func(w *writer) {
			w.uint(1, uint64(r.at))
			b, err := json.Marshal(r.err)
			if err != nil {
				failed = err
			}
			w.bytes(2, b)
		})
	}
	w.time(decisionWake, d.wake)
	w.bool(decisionResting, d.resting)
	w.within(decisionLeads, func(w *writer) {
		w.uint(1, uint64(d.leads.standing))
		w.text(2, d.leads.reason)
		w.bool(3, d.leads.metered)
	})
	w.bool(decisionEnded, d.ended)
	w.bool(decisionShows, d.shows)
	w.text(decisionUnfit, d.unfit)
	w.text(decisionFailed, d.failed)
	w.bool(decisionAgain, d.again)
	w.uint(decisionWeight, uint64(d.weight))
	w.uint(decisionDue, d.due)
	for i := range d.needs {
		n := &d.needs[i]
		w.within(decisionNeed, func(w *writer) {
			w.text(1, n.pool)
			w.uint(2, uint64(n.queued))
			w.uint(3, protowire.EncodeZigZag(int64(n.priority)))
			w.uint(4, uint64(n.limits.Parallel))
			w.uint(5, uint64(n.limits.Rate))
			w.uint(6, uint64(n.limits.Per))
		})
	}
	return w.b, failed
}

func (id *attemptID) encode(w *writer) {
	w.uint(1, id.Cycle)
	w.uint(2, id.Wave)
	w.text(3, id.Node)
	w.text(4, id.Item)
	w.uint(5, uint64(id.Attempt))
}

func (id *attemptID) decode(f field) {
	switch f.number {
	case 1:
		id.Cycle = f.n
	case 2:
		id.Wave = f.n
	case 3:
		id.Node = string(f.bytes)
	case 4:
		id.Item = string(f.bytes)
	case 5:
		id.Attempt = int(f.n)
	}
}

func (n *need) decode(f field) error {
	switch f.number {
	case 1:
		n.pool = string(f.bytes)
	case 2:
		n.queued = int(f.n)
	case 3:
		n.priority = int(protowire.DecodeZigZag(f.n))
	case 4:
		n.limits.Parallel = int(f.n)
	case 5:
		n.limits.Rate = int(f.n)
	case 6:
		n.limits.Per = time.Duration(f.n)
	}
	return nil
}

// decodeDecision reads a recorded decision. at is the stack as it was before.
func decodeDecision(b []byte, at *ledger) (*decision, error) {
	d := &decision{}
	err := eachField(b, func(f field) error {
		switch f.number {
		case decisionCommit:
			c, err := at.decodeCommit(f.bytes)
			if err != nil {
				return err
			}
			d.commits = append(d.commits, c)
		case decisionBegin:
			var b begin
			d.begins = append(d.begins, b)
			at := &d.begins[len(d.begins)-1]
			return eachField(f.bytes, func(f field) error {
				at.decode(f)
				switch f.number {
				case 10:
					at.pool = string(f.bytes)
				case 12:
					at.timeout = time.Duration(f.n)
				case 13:
					at.child = string(f.bytes)
				case 14:
					at.slot = string(f.bytes)
				case 15:
					at.lock = string(f.bytes)
				}
				return nil
			})
		case decisionEnd:
			var id attemptID
			err := eachField(f.bytes, func(f field) error { id.decode(f); return nil })
			d.ends = append(d.ends, id)
			return err
		case decisionSend:
			var s sending
			err := eachField(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					s.id = string(f.bytes)
				case 2:
					s.to = string(f.bytes)
				}
				return nil
			})
			d.sends = append(d.sends, s)
			return err
		case decisionNotice:
			var n notice
			err := json.Unmarshal(f.bytes, &n)
			d.notices = append(d.notices, n)
			return err
		case decisionDrop:
			d.drops = append(d.drops, string(f.bytes))
		case decisionRefused:
			var r refusal
			err := eachField(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					r.at = int(f.n)
				case 2:
					return json.Unmarshal(f.bytes, &r.err)
				}
				return nil
			})
			d.refused = append(d.refused, r)
			return err
		case decisionWake:
			d.wake = f.time()
		case decisionResting:
			d.resting = true
		case decisionLeads:
			return eachField(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					d.leads.standing = byte(f.n)
				case 2:
					d.leads.reason = string(f.bytes)
				case 3:
					d.leads.metered = true
				}
				return nil
			})
		case decisionEnded:
			d.ended = true
		case decisionShows:
			d.shows = true
		case decisionUnfit:
			d.unfit = string(f.bytes)
		case decisionDue:
			d.due = f.n
		case decisionWeight:
			d.weight = int(f.n)
		case decisionNeed:
			var n need
			err := eachField(f.bytes, n.decode)
			d.needs = append(d.needs, n)
			return err
		case decisionAgain:
			d.again = true
		case decisionFailed:
			d.failed = string(f.bytes)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("a recorded decision: %w", err)
	}
	return d, nil
}

const (
	commitRecords = iota + 1
	commitCursor
	commitChange
	commitShape
	commitGraph
	commitIdentity
	commitMemory
	commitKeepCycles
	commitKeepAge
)

func (c *commit) encode(w *writer, known map[journal.ShapeID]*journal.Shape) error {
	if c.Create != nil {
		var p journal.Packer
		w.bytes(commitIdentity, p.Identity(nil, c.Create))
	}
	if g := c.Graph; g != nil {
		b, err := json.Marshal(g)
		if err != nil {
			return err
		}
		w.bytes(commitGraph, b)
	}
	if s := c.Shape; s != nil && known[s.ID()] == nil {
		known[s.ID()] = s
		w.bytes(commitShape, s.Bytes())
	}
	var p journal.Packer
	if len(c.Records) > 0 {
		w.bytes(commitRecords, p.Records(nil, c.Records, c.Shape, nil))
	}
	w.bytes(commitCursor, p.Cursor(nil, &c.Cursor))
	for i := range c.Changes {
		w.within(commitChange, func(w *writer) { encodeChange(w, &c.Changes[i]) })
	}
	for i := range c.Memory {
		b, err := json.Marshal(memoryWritesOf(&c.Memory[i]))
		if err != nil {
			return err
		}
		w.bytes(commitMemory, b)
	}
	w.uint(commitKeepCycles, uint64(c.Keep.Cycles))
	w.uint(commitKeepAge, uint64(c.Keep.Age))
	return nil
}

// ledger is what a replay knows of the stack while it reads decisions.
type ledger struct {
	stack  string
	seq    uint64 // of the last record
	state  map[string]any
	shapes map[journal.ShapeID]*journal.Shape
}

func (l *ledger) decodeCommit(b []byte) (commit, error) {
	c := commit{}
	c.Stack = l.stack
	err := eachField(b, func(f field) (err error) {
		switch f.number {
		case commitIdentity:
			var id journal.Identity
			id, err = journal.ParseIdentity(f.bytes)
			c.Create = &id
		case commitGraph:
			c.Graph = &journal.StoredGraph{}
			err = json.Unmarshal(f.bytes, c.Graph)
		case commitShape:
			var s *journal.Shape
			if s, err = journal.ParseShape(f.bytes); err == nil {
				l.shapes[s.ID()] = s
			}
		case commitRecords:
			id, _ := journal.ShapeOf(f.bytes)
			u := journal.Unpack(f.bytes, l.stack, l.seq+1, l.shapes[id])
			for u.Next() {
				r, err := u.Record()
				if err != nil {
					return err
				}
				c.Records = append(c.Records, r)
			}
			if n := len(c.Records); n > 0 {
				l.seq = c.Records[n-1].Last()
			}
			err = u.Err()
		case commitCursor:
			c.Cursor, err = journal.ParseCursor(f.bytes)
		case commitChange:
			var ch graph.Change
			if ch, err = decodeChange(f.bytes, l.state); err == nil {
				l.state[ch.Name] = ch.Value
				c.Changes = append(c.Changes, ch)
			}
		case commitMemory:
			var m memoryWrites
			err = json.Unmarshal(f.bytes, &m)
			c.Memory = append(c.Memory, m.runtime())
		case commitKeepCycles:
			c.Keep.Cycles = int(f.n)
		case commitKeepAge:
			c.Keep.Age = time.Duration(f.n)
		}
		return err
	})
	return c, err
}

const (
	changeName = iota + 1
	changeWhole
	changeDrop
	changePut
	changeSet
)

func encodeChange(w *writer, c *graph.Change) {
	w.text(changeName, c.Name)
	if c.Whole || c.Drop == 0 && len(c.Put) == 0 && len(c.Set) == 0 {
		w.bytes(changeWhole, value.AppendBinary(nil, c.Value))
		return
	}
	w.uint(changeDrop, uint64(c.Drop))
	for _, e := range c.Put {
		w.within(changePut, func(w *writer) {
			w.uint(1, uint64(e.At))
			w.bytes(2, value.AppendBinary(nil, e.Value))
		})
	}
	for _, p := range c.Set {
		w.within(changeSet, func(w *writer) {
			w.text(1, p.Name)
			w.bytes(2, value.AppendBinary(nil, p.Value))
		})
	}
}

// decodeChange reads a change and makes its value of the one before.
func decodeChange(b []byte, state map[string]any) (graph.Change, error) {
	var c graph.Change
	err := eachField(b, func(f field) (err error) {
		switch f.number {
		case changeName:
			c.Name = string(f.bytes)
		case changeWhole:
			c.Whole = true
			c.Value, err = value.ParseBinary(f.bytes)
		case changeDrop:
			c.Drop = int(f.n)
		case changePut:
			var e graph.Element
			err = eachField(f.bytes, func(f field) (err error) {
				switch f.number {
				case 1:
					e.At = int(f.n)
				case 2:
					e.Value, err = value.ParseBinary(f.bytes)
				}
				return err
			})
			c.Put = append(c.Put, e)
		case changeSet:
			var p graph.Property
			err = eachField(f.bytes, func(f field) (err error) {
				switch f.number {
				case 1:
					p.Name = string(f.bytes)
				case 2:
					p.Value, err = value.ParseBinary(f.bytes)
				}
				return err
			})
			c.Set = append(c.Set, p)
		}
		return err
	})
	if err != nil || c.Whole {
		return c, err
	}
	switch old := state[c.Name].(type) {
	case []any:
		if c.Drop > len(old) {
			return c, errors.New("a change drops more elements than there are")
		}
		list := append(make([]any, 0, len(old)-c.Drop+len(c.Put)), old[c.Drop:]...)
		for _, e := range c.Put {
			switch {
			case e.At < len(list):
				list[e.At] = e.Value
			case e.At == len(list):
				list = append(list, e.Value)
			default:
				return c, errors.New("a change leaves a gap in a list")
			}
		}
		c.Value = list
	case map[string]any:
		m := make(map[string]any, len(old)+len(c.Set))
		for k, v := range old { // in any order: a copy
			m[k] = v
		}
		for _, p := range c.Set {
			m[p.Name] = p.Value
		}
		c.Value = m
	default:
		return c, fmt.Errorf("a change of a part of %q, which is no list and no object", c.Name)
	}
	return c, nil
}
