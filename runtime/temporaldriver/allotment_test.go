package temporaldriver

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// fleet is stacks and a limiter with a network between them, without workflows.
type fleet struct {
	t      *testing.T
	now    time.Time
	a      allotment
	stacks []*member
	net    []any // messages that are on their way: *use, or *slotsSignal
	lossy  bool  // messages are lost, doubled and out of order
	r      *rand.Rand
	sent   int // messages, of both sides
}

// member is one stack.
type member struct {
	f        *fleet
	name     string
	limits   limits
	priority int
	se       *session
	sessions int
	queued   int
	running  int
	begun    []time.Time
	dead     time.Time // terminated; its tasks run for a while
}

func newFleet(t *testing.T, l limits, stacks int) *fleet {
	f := &fleet{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), r: rand.New(rand.NewPCG(1, 2))}
	for i := range stacks {
		f.stacks = append(f.stacks, &member{f: f, name: fmt.Sprintf("s%02d", i), limits: l})
	}
	return f
}

// queue gives a stack tasks.
func (m *member) queue(n int) {
	m.queued += n
	m.turn()
}

// end ends one of its tasks.
func (m *member) end() {
	m.running--
	if m.se != nil {
		m.se.end(m.running)
	}
	m.turn()
}

// turn begins what has a slot, and tells the limiter what it has to know.
func (m *member) turn() {
	if !m.dead.IsZero() {
		return
	}
	if m.se == nil && m.queued == 0 {
		return
	}
	if m.se == nil {
		m.sessions++
		m.se = &session{ID: fmt.Sprintf("%s.%d", m.name, m.sessions)}
		m.se.Sent = use{Pool: "p", Stack: m.name}
	}
	for m.running < m.se.has() && m.queued > 0 {
		m.queued--
		m.running++
		m.begun = append(m.begun, m.f.now)
	}
	m.se.Limits, m.se.Priority = m.limits, m.priority
	known := m.se.N > 0
	u, tell := m.se.ask(m.running + m.queued)
	if u.Over {
		m.se, tell = nil, known
	}
	if tell {
		m.f.send(&u)
	}
	m.f.check()
}

// hear takes a message of the limiter.
func (m *member) hear(s *slotsSignal) {
	if m.se == nil || m.se.ID != s.Session {
		m.f.send(&use{Pool: "p", Session: s.Session, Over: true})
		return
	}
	m.se.hear(s)
	m.turn()
}

func (f *fleet) send(m any) {
	f.sent++
	f.net = append(f.net, m)
}

// deal has the limiter decide, and tell the stacks.
func (f *fleet) deal() (wake time.Time) {
	shares, wake := f.a.deal(f.now)
	for i := range shares {
		f.a.apply(&shares[i], f.now)
	}
	f.a.Starts = slices.Clone(f.a.recent(f.now))
	for _, session := range slices.Sorted(maps.Keys(f.a.Users)) {
		u := f.a.Users[session]
		if !u.Due {
			continue
		}
		u.Told++
		f.send(&slotsSignal{Pool: "p", Session: session, N: u.Told, Given: u.Given, Most: u.Most, Ask: u.Ask})
		u.Due, u.Ask = false, false
	}
	f.check()
	return wake
}

// deliver has one message arrive, or get lost.
func (f *fleet) deliver() {
	i := 0
	if f.lossy {
		i = f.r.IntN(len(f.net))
	}
	m := f.net[i]
	switch lot := f.r.IntN(10); {
	case f.lossy && lot == 0: // it arrives once more
	case f.lossy && lot == 1: // it arrives not at all
		f.net = slices.Delete(f.net, i, i+1)
		return
	default:
		f.net = slices.Delete(f.net, i, i+1)
	}
	switch m := m.(type) {
	case *use:
		u := *m
		f.a.take(&u, f.now)
		f.deal()
	case *slotsSignal:
		to := f.stacks[slices.IndexFunc(f.stacks, func(s *member) bool { return s.name == m.Session[:3] })]
		if !to.dead.IsZero() {
			f.a.lost(m.Session, f.now)
			f.deal()
			return
		}
		to.hear(m)
		f.a.arrived(m.Session, m.Given)
	}
}

// settle has all messages arrive.
func (f *fleet) settle() {
	for n := 0; len(f.net) > 0; n++ {
		if n > 100_000 {
			f.t.Fatal("the messages never end")
		}
		f.deliver()
	}
}

// pass lets time pass, and wakes the limiter when it wants to.
func (f *fleet) pass(d time.Duration) {
	for end := f.now.Add(d); ; {
		wake := f.deal()
		f.settle()
		if wake.IsZero() || wake.After(end) {
			f.now = end
			break
		}
		if wake.After(f.now) {
			f.now = wake
		} else {
			f.now = f.now.Add(time.Millisecond)
		}
	}
	f.deal()
	f.settle()
}

// check is what holds at every moment.
func (f *fleet) check() {
	f.t.Helper()
	running, has := 0, 0
	for _, s := range f.stacks {
		if !s.dead.IsZero() {
			if f.now.Sub(s.dead) < lastWait-time.Second {
				running += s.running
			}
			continue
		}
		running += s.running
		if s.se != nil {
			has += s.se.has()
			if s.running > s.se.has() {
				f.t.Fatalf("%s has %d slots, and %d tasks in them", s.name, s.se.has(), s.running)
			}
		} else if s.running > 0 {
			f.t.Fatalf("%s has %d tasks without slots", s.name, s.running)
		}
	}
	if most := f.most(); running > most || has > most {
		f.t.Fatalf("%d tasks run and %d slots are taken, of %d", running, has, most)
	}
}

func (f *fleet) most() int { return f.stacks[0].limits.Parallel }

func (f *fleet) running() (n []int) {
	for _, s := range f.stacks {
		n = append(n, s.running)
	}
	return n
}

// TestSlotsCountOnce: whatever happens to messages, and whoever is terminated, there are never more
// tasks than slots; and once messages arrive again, all tasks get their turn.
func TestSlotsCountOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 7))
		l := limits{Parallel: 1 + r.IntN(5)}
		if r.IntN(4) == 0 {
			l.Rate, l.Per = 1+r.IntN(3), time.Duration(1+r.IntN(20))*time.Second
		}
		f := newFleet(t, l, 1+r.IntN(6))
		f.r, f.lossy = r, true
		for range 600 {
			s := f.stacks[r.IntN(len(f.stacks))]
			switch r.IntN(12) {
			case 0, 1:
				if s.dead.IsZero() {
					s.priority = r.IntN(3)
					s.queue(1 + r.IntN(4))
				}
			case 2, 3, 4:
				if s.running > 0 {
					s.end()
				}
			case 5:
				f.now = f.now.Add(time.Duration(r.IntN(20_000)) * time.Millisecond)
				f.deal()
			case 6:
				if r.IntN(40) == 0 && s.dead.IsZero() {
					s.dead = f.now
				}
			default:
				if len(f.net) > 0 {
					f.deliver()
				}
			}
		}
		f.lossy = false
		for n := 0; f.waits(); n++ {
			if n > 1000 {
				for _, u := range f.a.Users {
					t.Logf("%+v", *u)
				}
				t.Fatalf("seed %d: tasks wait for ever, %v run", seed, f.running())
			}
			f.pass(askEvery / 4)
			for _, s := range f.stacks {
				for s.running > 0 && s.dead.IsZero() {
					s.end()
					f.settle()
				}
				if s.se != nil {
					s.se.Again = true
					s.turn()
				}
			}
		}
	}
}

// waits reports whether there are tasks that have not begun.
func (f *fleet) waits() bool {
	return slices.ContainsFunc(f.stacks, func(s *member) bool { return s.queued > 0 && s.dead.IsZero() })
}

// TestSharesAreFair: stacks that always want more than there is get equal shares.
func TestSharesAreFair(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ parallel, stacks int }{{3, 20}, {10, 3}, {4, 4}, {1, 7}, {5, 6}, {1, 1}} {
		t.Run(fmt.Sprintf("%d slots, %d stacks", tt.parallel, tt.stacks), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, limits{Parallel: tt.parallel}, tt.stacks)
			for _, s := range f.stacks {
				s.queue(10_000)
				f.settle()
				f.now = f.now.Add(time.Millisecond)
			}
			const rounds = 400
			for range rounds {
				for _, s := range f.stacks {
					for range s.running {
						s.end()
						f.settle()
						f.now = f.now.Add(time.Millisecond)
					}
				}
			}
			least, most := len(f.stacks[0].begun), 0
			for _, s := range f.stacks {
				least, most = min(least, len(s.begun)), max(most, len(s.begun))
			}
			if least < most/2 || least == 0 {
				t.Errorf("one stack began %d tasks, another %d", least, most)
			}
			if tt.stacks > tt.parallel && most-least > most/10+2 {
				t.Errorf("stacks that take turns began from %d to %d tasks", least, most)
			}
		})
	}
}

// TestOneTaskAgainstMany: a stack with many tasks delays one that has a single task by no more
// than one of them.
func TestOneTaskAgainstMany(t *testing.T) {
	t.Parallel()
	f := newFleet(t, limits{Parallel: 2}, 3)
	f.stacks[0].queue(1000)
	f.settle()
	f.stacks[1].queue(1)
	f.settle()
	f.stacks[0].end()
	f.settle()
	if got := f.running(); !slices.Equal(got, []int{1, 1, 0}) {
		t.Fatalf("after the end of one task %v run", got)
	}
	f.stacks[1].end()
	f.settle()
	if got := f.running(); !slices.Equal(got, []int{2, 0, 0}) {
		t.Fatalf("after the end of the single task %v run", got)
	}
}

// TestPriorities: the higher priority is first; the lower one does not wait for ever.
func TestPriorities(t *testing.T) {
	t.Parallel()
	f := newFleet(t, limits{Parallel: 1}, 3)
	f.stacks[1].priority, f.stacks[2].priority = 5, 5
	f.stacks[1].queue(1000)
	f.settle()
	f.stacks[0].queue(1)
	f.stacks[2].queue(1000)
	f.settle()
	from := f.now
	for len(f.stacks[0].begun) == 0 {
		f.pass(time.Second)
		for _, s := range f.stacks[1:] {
			if s.running > 0 {
				s.end()
				f.settle()
				break
			}
		}
		if f.now.Sub(from) > time.Hour {
			t.Fatal("the low priority never gets a slot")
		}
	}
	if waited := f.now.Sub(from); waited < 4*aging || waited > 8*aging {
		t.Errorf("the low priority waited for %v", waited)
	}
	if a, b := len(f.stacks[1].begun), len(f.stacks[2].begun); a < 20 || b < 20 {
		t.Errorf("the high priorities began %d and %d tasks", a, b)
	}
}

// TestRate: no period of the length of the rate has more starts, and the rate is used.
func TestRate(t *testing.T) {
	t.Parallel()
	const rate, per = 7, time.Minute
	f := newFleet(t, limits{Parallel: 5, Rate: rate, Per: per}, 4)
	for i, s := range f.stacks {
		s.queue(100 * (i + 1))
	}
	f.settle()
	from := f.now
	for f.now.Sub(from) < 20*per {
		f.pass(time.Second)
		for _, s := range f.stacks {
			for range s.running {
				s.end()
				f.settle()
			}
		}
	}
	var starts []time.Time
	for _, s := range f.stacks {
		starts = append(starts, s.begun...)
	}
	slices.SortFunc(starts, time.Time.Compare)
	for i := rate; i < len(starts); i++ {
		if d := starts[i].Sub(starts[i-rate]); d < per {
			t.Fatalf("%d tasks began within %v", rate+1, d)
		}
	}
	if len(starts) < 18*rate {
		t.Errorf("only %d tasks began in 20 periods of %d", len(starts), rate)
	}
}

// TestLimitsChange: a pool on hold gives no slot until a newer definition says so, an older one
// changes nothing, and fewer slots take effect as tasks end.
func TestLimitsChange(t *testing.T) {
	t.Parallel()
	f := newFleet(t, limits{Parallel: 9}, 3) // what check allows
	at := f.now
	f.stacks[0].limits, f.stacks[1].limits, f.stacks[2].limits = limits{Parallel: 9}, limits{Since: at}, limits{Since: at}
	f.stacks[1].queue(20)
	f.stacks[0].queue(20)
	f.stacks[2].queue(20)
	f.pass(time.Hour)
	if got := f.running(); !slices.Equal(got, []int{0, 0, 0}) {
		t.Fatalf("%v run in a pool on hold", got)
	}
	f.stacks[2].limits = limits{Parallel: 6, Since: at.Add(time.Second)}
	f.stacks[2].turn()
	f.settle()
	if got := f.running(); !slices.Equal(got, []int{2, 2, 2}) {
		t.Fatalf("%v run of 6", got)
	}
	f.stacks[1].limits = limits{Parallel: 3, Since: at.Add(2 * time.Second)}
	f.stacks[1].turn()
	f.settle()
	for range 4 {
		for _, s := range f.stacks {
			if s.running > 0 {
				s.end()
				f.settle()
			}
		}
	}
	if got := f.running(); !slices.Equal(got, []int{1, 1, 1}) {
		t.Fatalf("%v run of 3", got)
	}
}

// TestQuietWhileNobodyWaits: a stack that has its slots alone says nothing while it uses them.
func TestQuietWhileNobodyWaits(t *testing.T) {
	t.Parallel()
	f := newFleet(t, limits{Parallel: 4}, 2)
	f.stacks[0].queue(500)
	f.settle()
	before := f.sent
	for range 490 {
		f.stacks[0].end()
		f.settle()
		f.pass(time.Second)
	}
	if n := f.sent - before; n > 0 {
		t.Errorf("%d messages while one stack uses the pool alone", n)
	}
	for f.stacks[0].running > 0 {
		f.stacks[0].end()
		f.settle()
	}
	if len(f.a.Users) > 0 {
		t.Errorf("the limiter still knows %v", f.a.Users)
	}
}

// TestTerminatedStack: the slots of a stack that was terminated are free once others wait and its
// tasks are gone.
func TestTerminatedStack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, limits{Parallel: 2}, 2)
	f.stacks[0].queue(5)
	f.settle()
	f.pass(time.Hour)
	f.stacks[0].dead = f.now
	f.stacks[1].queue(5)
	f.settle()
	if f.pass(lingering / 2); f.stacks[1].running > 0 {
		t.Errorf("the slots of a stack are used whose tasks may run")
	}
	if f.pass(silence + lingering); f.stacks[1].running != 2 {
		t.Errorf("the slots of a terminated stack are lost: %d tasks run", f.stacks[1].running)
	}
}
