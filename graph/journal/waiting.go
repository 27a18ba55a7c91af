package journal

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"
)

// Waiting is a node that waits.
type Waiting struct {
	Node     string
	Item     string // the element's key, in Cursor.Asking
	Kind     string // the node's: approval or wait; any other in Cursor.Asking
	Cycle    uint64
	Wave     uint64 // in which it began to wait
	Since    time.Time
	Until    time.Time     // its timeout; zero means none
	Due      time.Time     // the time that it waits for
	Event    string        // the event that it waits for
	Events   []string      // of a wait for a list of events; the first that comes settles it
	Files    string        // the pattern of the files that it waits for
	Settle   time.Duration // how long they have to be quiet
	With     any           // evaluated, without secrets: {"prompt": …}
	Answered bool
	Lost     bool // a `join: first` node has cancelled it: it will be skipped

	// Calls are those that need a word, in Cursor.Asking. Held says that the attempt
	// which asked has returned. Number is that of the question within its task, from 1.
	Calls  []Call
	Held   bool
	Number int
	Lock   string // that a task keeps meanwhile; "" for none
}

func (w *Waiting) members(c *codec) {
	c.text("node", &w.Node)
	c.someText("item", &w.Item)
	c.word("kind", &w.Kind)
	c.uint("cycle", &w.Cycle)
	c.uint("wave", &w.Wave)
	c.time("since", &w.Since)
	c.someTime("until", &w.Until)
	c.someTime("due", &w.Due)
	c.someText("event", &w.Event)
	c.someTexts("events", &w.Events)
	c.someText("files", &w.Files)
	someNumber(c, "settle_ns", &w.Settle)
	c.someValue("with", &w.With)
	c.someBool("answered", &w.Answered)
	c.someBool("lost", &w.Lost)
	someList(c, "calls", &w.Calls, (*Call).members)
	c.someBool("held", &w.Held)
	someNumber(c, "number", &w.Number)
	c.someText("lock", &w.Lock)
}

// EventNames are the events that settle the wait.
func (w *Waiting) EventNames() []string {
	if w.Event != "" {
		return []string{w.Event}
	}
	return w.Events
}

// Task is the key of the task that waits.
func (w *Waiting) Task() TaskKey {
	return TaskKey{Cycle: w.Cycle, Wave: w.Wave, Node: w.Node, Item: w.Item}
}

// ID names the question or wait, as in "ask.36.1.4f2k". It stays the same over
// restarts. The end of it comes from the time, so that the questions of a stack that
// was removed and started again under its old id have other ids. That of an element has
// a hash of the element's key besides, and a later question of a task its number.
func (w *Waiting) ID() string {
	const letters = 36 * 36 * 36 * 36
	moment := strconv.FormatInt((w.Since.UnixMilli()%letters+letters)%letters, 36)
	id := fmt.Sprintf("%s.%d.%d.%04s", w.Node, w.Cycle, w.Wave, moment)
	if w.Item != "" {
		h := fnv.New64a()
		h.Write([]byte(w.Item))
		id += "." + strconv.FormatUint(h.Sum64(), 36)
	}
	if w.Number > 1 {
		id += "." + strconv.Itoa(w.Number)
	}
	return id
}

// Ends is when the wait ends by itself; zero means never.
func (w *Waiting) Ends() time.Time {
	if w.Due.IsZero() || !w.Until.IsZero() && w.Until.Before(w.Due) {
		return w.Until
	}
	return w.Due
}

// Late reports that it has ended by then, also when nobody was there to see it.
func (w *Waiting) Late(at time.Time) bool {
	end := w.Ends()
	return !end.IsZero() && !end.After(at)
}

// Background is a node whose tasks run over several cycles, or whose result is
// applied when the next cycle begins.
type Background struct {
	Node  string
	Cycle uint64
	Wave  uint64 // in which it began
	Since time.Time
	Over  bool // nothing of it runs any more
	Lost  bool // a `join: first` node has cancelled it: it will be skipped
}

func (b *Background) members(c *codec) {
	c.text("node", &b.Node)
	c.uint("cycle", &b.Cycle)
	c.uint("wave", &b.Wave)
	c.time("since", &b.Since)
	c.someBool("over", &b.Over)
	c.someBool("lost", &b.Lost)
}
