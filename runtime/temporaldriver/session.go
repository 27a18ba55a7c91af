package temporaldriver

// session is what a stack knows of the slots that it has of one pool, from the moment at which it
// wants one until it wants none and has none. See allotment.
type session struct {
	ID       string `json:"id"`
	N        uint64 `json:"n"`               // messages to the limiter
	Heard    uint64 `json:"heard,omitempty"` // the last message of the limiter
	Given    int    `json:"given,omitempty"`
	Returned int    `json:"returned,omitempty"`
	Most     int    `json:"most,omitempty"` // see share
	Limits   limits `json:"limits"`
	Priority int    `json:"priority,omitempty"`
	Sent     use    `json:"sent"`               // the last message to the limiter
	Again    bool   `json:"again,omitempty"`    // the limiter is to hear where the stack stands
	Taken    int    `json:"taken,omitempty"`    // slots that all stacks have, as the limiter said
	Parallel int    `json:"parallel,omitempty"` // slots that there are, the same
}

// use is what a stack tells the limiter of a pool.
type use struct {
	Pool     string `json:"pool"`
	Session  string `json:"session"`
	Stack    string `json:"stack"` // its workflow
	N        uint64 `json:"n"`
	Want     int    `json:"want,omitempty"` // slots that it could use, with those that it has
	Priority int    `json:"priority,omitempty"`
	Given    int    `json:"given,omitempty"` // slots that it has got, ever
	Returned int    `json:"returned,omitempty"`
	Limits   limits `json:"limits"`
	Over     bool   `json:"over,omitempty"` // it has none and wants none, and will not hear of the session any more
}

// slotsSignal is what the limiter of a pool tells a stack.
type slotsSignal struct {
	Pool     string `json:"pool"`
	Session  string `json:"session"`
	N        uint64 `json:"n"`
	Given    int    `json:"given,omitempty"`
	Most     int    `json:"most,omitempty"`
	Ask      bool   `json:"ask,omitempty"`
	Taken    int    `json:"taken,omitempty"`
	Parallel int    `json:"parallel,omitempty"`
}

// has is how many slots the stack has.
func (s *session) has() int { return s.Given - s.Returned }

// hear takes what the limiter says, and reports whether the stack has got slots.
func (s *session) hear(m *slotsSignal) (more bool) {
	more = m.Given > s.Given
	s.Given = max(s.Given, m.Given)
	s.Again = s.Again || m.Ask
	if m.N > s.Heard {
		s.Heard, s.Most, s.Taken, s.Parallel = m.N, m.Most, m.Taken, m.Parallel
	}
	return more
}

// end takes note that a task in one of the slots has ended. using are those that still have tasks.
func (s *session) end(using int) {
	if s.has() > max(s.Most, using) {
		s.Returned++
	}
}

// ask gives back what the stack cannot use, and reports whether the limiter has to hear of it.
// want is how many slots the stack could use, with those that have tasks.
func (s *session) ask(want int) (m use, tell bool) {
	s.Returned += max(0, s.has()-want)
	m = s.Sent
	m.Session, m.Want, m.Given, m.Returned, m.Limits, m.Priority = s.ID, want, s.Given, s.Returned, s.Limits, s.Priority
	if want == 0 {
		m.Over = true
	}
	hungry, was := want > s.has(), s.Sent.Want > s.has()
	switch {
	case s.Again, s.N == 0, m.Over, m.Returned != s.Sent.Returned, want > s.Sent.Want, was && !hungry,
		hungry && (m.Priority != s.Sent.Priority || !m.Limits.equal(s.Sent.Limits)):
	default:
		return use{}, false // what it knows is good enough
	}
	s.N++
	m.N = s.N
	s.Sent, s.Again = m, false
	return m, true
}
