package journal

import (
	"fmt"
	"strconv"
	"time"
)

// Waiting is a node that waits.
type Waiting struct {
	Node     string
	Kind     string // approval or wait
	Cycle    uint64
	Wave     uint64 // in which it began to wait
	Since    time.Time
	Until    time.Time // its timeout; zero means none
	Due      time.Time // the time that it waits for
	Event    string    // the event that it waits for
	With     any       // evaluated, without secrets: {"prompt": …}
	Answered bool
}

func (w *Waiting) members(c *codec) {
	c.text("node", &w.Node)
	c.text("kind", &w.Kind)
	c.uint("cycle", &w.Cycle)
	c.uint("wave", &w.Wave)
	c.time("since", &w.Since)
	c.someTime("until", &w.Until)
	c.someTime("due", &w.Due)
	c.someText("event", &w.Event)
	c.someValue("with", &w.With)
	c.someBool("answered", &w.Answered)
}

// ID names the question or wait, as in "ask.36.1.4f2k". It stays the same over
// restarts. The end of it comes from the time, so that the questions of a stack that
// was removed and started again under its old id have other ids.
func (w *Waiting) ID() string {
	const letters = 36 * 36 * 36 * 36
	moment := strconv.FormatInt((w.Since.UnixMilli()%letters+letters)%letters, 36)
	return fmt.Sprintf("%s.%d.%d.%04s", w.Node, w.Cycle, w.Wave, moment)
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
}

func (b *Background) members(c *codec) {
	c.text("node", &b.Node)
	c.uint("cycle", &b.Cycle)
	c.uint("wave", &b.Wave)
	c.time("since", &b.Since)
	c.someBool("over", &b.Over)
}
