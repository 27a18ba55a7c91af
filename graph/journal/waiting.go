package journal

import "time"

// Waiting is a node that waits.
type Waiting struct {
	Node     string    `json:"node"`
	Kind     string    `json:"kind"` // approval or wait
	Cycle    uint64    `json:"cycle"`
	Wave     uint64    `json:"wave"` // in which it began to wait
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"` // its timeout; zero: none
	Due      time.Time `json:"due,omitzero"`   // the time that it waits for
	Event    string    `json:"event,omitzero"` // the event that it waits for
	With     any       `json:"with,omitzero"`  // evaluated, without secrets: {"prompt": …}
	Answered bool      `json:"answered,omitzero"`
}

// Ends is when the wait ends by itself; zero: never.
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

// Background is a node whose tasks run on over cycles, or whose result is
// taken in when the next cycle begins.
type Background struct {
	Node  string    `json:"node"`
	Cycle uint64    `json:"cycle"`
	Wave  uint64    `json:"wave"` // in which it began
	Since time.Time `json:"since"`
	Over  bool      `json:"over,omitzero"` // nothing of it runs any more
}
