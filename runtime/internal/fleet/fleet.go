package fleet

import (
	"slices"
	"sync"
	"time"
)

// Member is a stack of a fleet.
type Member interface {
	// Name is the member's id, for people.
	Name() string
	// Fleet is the name of its fleet: of its graph.
	Fleet() string
	// Begin asks the member to begin: it calls Take as soon as it can, and continues to
	// its next wave, the end of its cycle or its next cycle. Begin must not block.
	Begin()
}

// Stage says how far a member has come.
type Stage int

const (
	// Apart is a member that nobody waits for.
	Apart Stage = iota
	// Working is a member with an open wave, or whose position is not known yet.
	Working
	// Between is a member with an open cycle and no open wave.
	Between
	// Spent is a member that has only the end of its cycle left.
	Spent
	// Pausing is a member between two cycles.
	Pausing
)

// Standing is where a member stands.
type Standing struct {
	Stage Stage
	Due   time.Time // the end of its pause; zero unless Stage is Pausing
}

// Fleets are the fleets of a runtime. The zero value is ready to use. It is safe for
// concurrent use.
type Fleets struct {
	mu     sync.Mutex
	halted int // calls of Halt without their Release
	byName map[string]*fleet
}

// fleet holds the members of one graph that are not apart.
type fleet struct {
	members map[Member]*place
	working int // members
}

// place is where a member stands, as the fleet knows it.
type place struct {
	Standing
	begin time.Time // the instant that it was chosen for and has not taken; else zero
}

// Report tells where a member stands, and lets members begin when it was the last one
// that they waited for.
func (f *Fleets) Report(m Member, s Standing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.byName[m.Fleet()]
	if fl == nil {
		fl = &fleet{members: map[Member]*place{}}
		if f.byName == nil {
			f.byName = map[string]*fleet{}
		}
		f.byName[m.Fleet()] = fl
	}
	if p := fl.members[m]; p != nil && !p.begin.IsZero() && s.Stage != Apart {
		return // it said so before it began
	}
	fl.put(m, s)
	if len(fl.members) == 0 {
		delete(f.byName, m.Fleet())
	}
	f.next(fl)
}

// Frozen says whether a member was chosen to begin and has not taken it yet.
func (f *Fleets) Frozen(m Member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.place(m)
	return p != nil && !p.begin.IsZero()
}

// Take gives a member the instant at which it begins, and ends its being frozen. It
// returns false when the member is not to begin any more.
func (f *Fleets) Take(m Member) (now time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.place(m)
	if p == nil || p.begin.IsZero() {
		return now, false
	}
	now, p.begin = p.begin, time.Time{}
	return now, true
}

func (f *Fleets) place(m Member) *place {
	if fl := f.byName[m.Fleet()]; fl != nil {
		return fl.members[m]
	}
	return nil
}

func (fl *fleet) put(m Member, s Standing) {
	if p := fl.members[m]; p != nil && p.Stage == Working {
		fl.working--
	}
	if s.Stage == Apart {
		delete(fl.members, m)
		return
	}
	if s.Stage == Working {
		fl.working++
	}
	fl.members[m] = &place{Standing: s}
}

// next lets members begin, all with one instant: those that continue to their next wave,
// else to the end of their cycle, else to the next cycle.
func (f *Fleets) next(fl *fleet) {
	if f.halted > 0 || fl.working > 0 {
		return
	}
	now := time.Now()
	first, due := Pausing, false
	for _, p := range fl.members {
		first = min(first, p.Stage)
		due = due || !p.Due.After(now) // Due is zero but for a pause
	}
	if !due {
		return
	}
	for m, p := range fl.members {
		if p.Stage == first {
			fl.put(m, Standing{Stage: Working})
			fl.members[m].begin = now.UTC()
			m.Begin()
		}
	}
}

// Awaited lists the members, sorted by name, that have to get as far as m before m
// continues.
func (f *Fleets) Awaited(m Member) (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine := f.place(m)
	if mine == nil || mine.Due.After(time.Now()) {
		return nil
	}
	for other, theirs := range f.byName[m.Fleet()].members {
		if theirs.Stage < mine.Stage {
			names = append(names, other.Name())
		}
	}
	slices.Sort(names)
	return names
}

// Halt lets no member begin until Release, so that all members can be gathered first.
func (f *Fleets) Halt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halted++
}

// Release ends a Halt.
func (f *Fleets) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halted--
	for _, fl := range f.byName {
		f.next(fl)
	}
}
