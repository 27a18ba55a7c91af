package temporaldriver

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// allotment is how the slots of one pool are shared by the stacks that want them. A lock is a
// pool with one slot.
//
// A stack and the limiter count the slots that the stack got and those that it gave back, each
// from the beginning of the stack's session. The stack knows what it gave back, and the limiter
// what it gave; of the other number each knows the largest that it has heard. So a message that
// is late, lost, doubled or out of order never makes a slot count twice: the stack believes that
// it has fewer slots than it has, or the limiter that there are fewer left.
//
// deal decides and changes nothing. What it decided is recorded, and then applied.
type allotment struct {
	Limits limits           `json:"limits"`
	Users  map[string]*user `json:"users,omitempty"`  // by session
	Starts []start          `json:"starts,omitempty"` // within the last period, oldest first; kept while there is a rate
}

// limits are those of a pool, as a definition has them.
type limits struct {
	Parallel int           `json:"parallel"`       // 0 holds the pool
	Rate     int           `json:"rate,omitempty"` // starts per Per; 0 means no limit
	Per      time.Duration `json:"per,omitempty"`
	Since    time.Time     `json:"since,omitzero"` // when the stack got the definition
}

func (l limits) equal(o limits) bool {
	return l.Parallel == o.Parallel && l.Rate == o.Rate && l.Per == o.Per && l.Since.Equal(o.Since)
}

// user is a stack that has slots, or wants some.
type user struct {
	Stack    string    `json:"stack"` // its workflow
	N        uint64    `json:"n"`     // of its last message
	Want     int       `json:"want"`  // slots that it could use, with those that it has
	Priority int       `json:"priority,omitempty"`
	Given    int       `json:"given,omitempty"`
	Arrived  int       `json:"arrived,omitempty"` // of Given: those that the stack has heard of
	Returned int       `json:"returned,omitempty"`
	Most     int       `json:"most,omitempty"`  // as the stack knows it, see share
	Told     uint64    `json:"told,omitempty"`  // messages to it
	Due      bool      `json:"due,omitempty"`   // there is something that it does not know
	Ask      bool      `json:"ask,omitempty"`   // it is to say where it stands
	Hungry   time.Time `json:"hungry,omitzero"` // since when it has waited for one slot more; zero if it wants none
	Got      time.Time `json:"got,omitzero"`    // when it got its last slot
	Heard    time.Time `json:"heard,omitzero"`  // when it said something, or was asked
	Gone     time.Time `json:"gone,omitzero"`   // when it turned out that its workflow is closed
}

// start is a number of tasks that were allowed to begin at a moment.
type start struct {
	At time.Time `json:"at"`
	N  int       `json:"n"`
}

const (
	// aging is how long a stack has to wait to gain one point of priority.
	aging = 10 * time.Second
	// silence is how long a stack may have slots that others want before it has to say that it is
	// still there.
	silence = time.Minute
	// lingering is how long the tasks of a stack that was terminated may run: their workers hear of
	// it with their next heartbeat.
	lingering = lastWait
	// grains is into how many parts the period of a rate is divided.
	grains = 1024
)

// has is how many slots the stack has, or may have.
func (u *user) has() int { return u.Given - u.Returned }

// take takes note of what a stack says.
func (a *allotment) take(m *use, now time.Time) {
	if m.Over {
		delete(a.Users, m.Session)
		return
	}
	u := a.Users[m.Session]
	if u == nil {
		u = &user{Stack: m.Stack}
		if a.Users == nil {
			a.Users = map[string]*user{}
		}
		a.Users[m.Session] = u
	}
	if m.Returned > u.Returned { // it had its turn until now
		u.Returned, u.Hungry = m.Returned, time.Time{}
	}
	u.Given, u.Arrived = max(u.Given, m.Given), max(u.Arrived, m.Given)
	u.Heard, u.Gone, u.Ask = now, time.Time{}, false
	if m.N > u.N {
		u.N, u.Want, u.Priority = m.N, m.Want, m.Priority
		if !m.Limits.Since.Before(a.Limits.Since) {
			a.Limits = m.Limits
		}
	}
	u.wait(now)
}

// wait notes since when the stack has waited for one slot more.
func (u *user) wait(now time.Time) {
	if u.Want <= u.has() {
		u.Hungry = time.Time{}
	} else if u.Hungry.IsZero() {
		u.Hungry = now
	}
}

// arrived takes note that a stack has got a message with so many slots.
func (a *allotment) arrived(session string, given int) {
	if u := a.Users[session]; u != nil {
		u.Arrived = max(u.Arrived, given)
	}
}

// lost takes note that the workflow of a stack is closed: a message could not be delivered. Slots
// that the stack never heard of are free again at once.
func (a *allotment) lost(session string, now time.Time) {
	u := a.Users[session]
	if u == nil {
		return
	}
	u.Given, u.Want, u.Hungry, u.Due = u.Arrived, 0, time.Time{}, false
	if u.has() <= 0 {
		delete(a.Users, session)
	} else if u.Gone.IsZero() {
		u.Gone = now
	}
}

// share is what deal decides about one stack.
type share struct {
	Session string `json:"session"`
	Give    int    `json:"give,omitempty"` // slots more
	Most    int    `json:"most,omitempty"` // a stack with more slots gives one back when a task in one ends
	Ask     bool   `json:"ask,omitempty"`  // it is to say where it stands
	Drop    bool   `json:"drop,omitempty"` // it is gone, and its slots are free
}

// apply does what was decided.
func (a *allotment) apply(d *share, now time.Time) {
	u := a.Users[d.Session]
	switch {
	case u == nil:
		return
	case d.Drop:
		delete(a.Users, d.Session)
		return
	}
	u.Most, u.Due, u.Given = d.Most, true, u.Given+d.Give
	if d.Ask {
		u.Ask, u.Heard = true, now
	}
	if d.Give == 0 {
		return
	}
	u.Got, u.Hungry = now, time.Time{}
	u.wait(now)
	if l := &a.Limits; l.Rate > 0 {
		grain := max(l.Per/grains, 1)
		at := now.Truncate(grain).Add(grain) // late rather than early
		if n := len(a.Starts); n > 0 && !a.Starts[n-1].At.Before(at) {
			a.Starts[n-1].N += d.Give
		} else {
			a.Starts = append(a.Starts, start{at, d.Give})
		}
	}
}

// idle reports whether there is nothing to keep in mind.
func (a *allotment) idle(now time.Time) bool {
	return len(a.Users) == 0 && len(a.recent(now)) == 0
}

// recent are the starts that count against the rate.
func (a *allotment) recent(now time.Time) []start {
	if a.Limits.Rate == 0 {
		return nil
	}
	first := slices.IndexFunc(a.Starts, func(s start) bool { return now.Sub(s.At) < a.Limits.Per })
	if first < 0 {
		return nil
	}
	return a.Starts[first:]
}

// taken is how many slots the stacks have.
func (a *allotment) taken() (n int) {
	for _, u := range a.Users { // in any order: a sum
		n += u.has()
	}
	return n
}

// claim is a stack that wants slots, while they are dealt.
type claim struct {
	*user
	session string
	has     int // with those that it is given
	give    int
	target  int // slots that it would have if all were dealt now
	hungry  time.Time
	got     time.Time
}

// deal decides who gets the free slots, and who is to give one back when a task in it ends. wake
// is when it would decide something by itself; the zero time means never.
func (a *allotment) deal(now time.Time) (shares []share, wake time.Time) {
	soon := func(at time.Time) {
		if wake.IsZero() || at.Before(wake) {
			wake = at
		}
	}
	free := a.Limits.Parallel
	var claims []*claim
	for _, session := range slices.Sorted(maps.Keys(a.Users)) {
		u := a.Users[session]
		switch over := u.Gone.Add(lingering); {
		case u.Gone.IsZero():
		case !now.Before(over):
			shares = append(shares, share{Session: session, Drop: true})
			continue
		default:
			soon(over)
		}
		free -= u.has()
		if u.Want > 0 {
			claims = append(claims, &claim{user: u, session: session, has: u.has(), hungry: u.Hungry, got: u.Got})
		}
	}
	starts, recent := free, a.recent(now)
	if a.Limits.Rate > 0 {
		starts = a.Limits.Rate
		for _, s := range recent {
			starts -= s.N
		}
	}
	dealt := map[*claim]int{}
	for c := range order(claims, a.Limits.Parallel, now) {
		if dealt[c]++; dealt[c] > c.user.has()+c.give && free > 0 && starts > 0 {
			c.give++
			free--
			starts--
		}
	}
	for _, c := range claims {
		if c.give > 0 {
			c.has, c.hungry, c.got = c.has+c.give, now, now
		}
	}
	for c := range order(claims, a.Limits.Parallel, now) { // as it will be then
		c.target++
	}
	hungry, mixed := map[string]bool{}, false
	for _, c := range claims {
		if c.Want > c.has {
			hungry[c.session] = true
		}
		mixed = mixed || c.Priority != claims[0].Priority
		most := c.target
		if a.Limits.Rate > 0 { // each start has to be allowed
			most = 0
		}
		if c.give > 0 || min(most, c.has) != min(c.Most, c.has) {
			shares = append(shares, share{Session: c.session, Give: c.give, Most: most})
		}
	}
	if len(hungry) > 0 && free > 0 && len(recent) > 0 {
		soon(recent[0].At.Add(a.Limits.Per))
	}
	if len(hungry) > 0 && free <= 0 {
		shares = a.ask(shares, hungry, now, soon)
		if mixed {
			soon(now.Add(aging))
		}
	}
	return shares, wake
}

// ask has stacks say where they stand that have slots which others want, and have been silent for
// long: what they said may be lost, and they may be gone.
func (a *allotment) ask(shares []share, hungry map[string]bool, now time.Time, soon func(time.Time)) []share {
	for _, session := range slices.Sorted(maps.Keys(a.Users)) {
		u := a.Users[session]
		if u.has() <= 0 || !u.Gone.IsZero() || len(hungry) == 1 && hungry[session] && u.Arrived == u.Given {
			continue
		}
		if now.Sub(u.Heard) < silence {
			soon(u.Heard.Add(silence))
			continue
		}
		soon(now.Add(silence))
		if i := slices.IndexFunc(shares, func(s share) bool { return s.Session == session }); i >= 0 {
			shares[i].Ask = true
		} else {
			shares = append(shares, share{Session: session, Most: u.Most, Ask: true})
		}
	}
	return shares
}

// order yields the claims in the order in which slots are dealt to them, one at a time, until
// there are no more slots, or nobody wants one.
//
// The highest priority comes first; a stack without any slot gains a point every 10 s. Among
// equal priorities each stack gets one slot, then each a second one, and so on. Who has waited
// longest comes first; then those that have a slot already, the one that got it last first: so
// where there are more stacks than slots, they take turns.
func order(claims []*claim, slots int, now time.Time) func(yield func(*claim) bool) {
	return func(yield func(*claim) bool) {
		byPriority := map[int]*turns{}
		for _, c := range claims {
			t := byPriority[c.Priority]
			if t == nil {
				t = &turns{}
				byPriority[c.Priority] = t
			}
			t.claims = append(t.claims, c)
		}
		for ; slots > 0; slots-- {
			var best *turns
			worth := 0
			for _, p := range slices.Backward(slices.Sorted(maps.Keys(byPriority))) {
				t := byPriority[p]
				head := t.head()
				if head == nil {
					delete(byPriority, p)
					continue
				}
				w := p
				if t.level == 1 && head.has <= 0 {
					w += int(now.Sub(head.hungry) / aging)
				}
				if best == nil || w > worth {
					best, worth = t, w
				}
			}
			if best == nil || !yield(best.next()) {
				return
			}
		}
	}
}

// turns are the claims of one priority.
type turns struct {
	claims []*claim
	level  int      // slots that each has been dealt after this round
	round  []*claim // that are still to come in it
}

// head is the next one; nil if nobody wants more.
func (t *turns) head() *claim {
	if len(t.round) > 0 {
		return t.round[0]
	}
	waits := func(c *claim) bool { return c.has <= t.level }
	t.round = slices.DeleteFunc(slices.Clone(t.claims), func(c *claim) bool { return c.Want <= t.level })
	slices.SortFunc(t.round, func(a, b *claim) int {
		switch wa, wb := waits(a), waits(b); {
		case wa != wb && wa == (t.level == 0): // beyond the first slot it stays where it is
			return -1
		case wa != wb:
			return 1
		case wa:
			return cmp.Or(a.hungry.Compare(b.hungry), a.got.Compare(b.got), cmp.Compare(a.session, b.session))
		}
		return cmp.Or(b.got.Compare(a.got), cmp.Compare(a.session, b.session))
	})
	if t.level++; len(t.round) == 0 {
		return nil
	}
	return t.round[0]
}

func (t *turns) next() *claim {
	c := t.round[0]
	t.round = t.round[1:]
	return c
}
