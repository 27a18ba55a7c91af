package runtime

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// fleets lead the stacks of graphs with `fleet: lockstep` through their waves
// together:
//
//   - No stack of a fleet begins a wave while another one has a wave open. Then
//     all that have a cycle open take their next decision at the same moment.
//   - Their cycles end together, when none of them has a node left, and so their
//     pauses begin together.
//   - The first whose pause is over begins the next cycle, and all others that
//     pause begin with it: there is one rhythm for all.
//   - A stack that is paused or stopped, or that waits for an event, is not
//     waited for, and falls in when it goes on.
//
// Stacks that a node of another stack runs are not led.
type fleets struct {
	mu     sync.Mutex
	halted int               // calls of halt without their release
	byName map[string]*fleet // of the graph
}

// fleet is the stacks of one graph. None of its members is apart.
type fleet struct {
	members map[*Stack]standing
	working int // members
}

// standing is where a stack of a fleet stands.
type standing struct {
	stage stage
	due   time.Time // end of a pause
}

type stage int

const (
	apart   stage = iota // not to be waited for
	working              // a wave is open, or where it stands is not known yet
	between              // a cycle is open, and no wave
	spent                // of the cycle only the end is left
	pausing
)

// fallIn tells a stack's fleet where it stands, now that it has done all that it
// can by itself.
func (s *Stack) fallIn() {
	now := s.standing()
	if now.stage == apart && !s.marching {
		return
	}
	s.marching = now.stage != apart
	s.rt.fleets.report(s, now)
}

func (s *Stack) standing() standing {
	if s.over || s.closed || s.stopping || s.child || s.g.Fleet != graph.Lockstep {
		return standing{}
	}
	c := s.m.Cursor()
	switch {
	case s.progress.waveOpen:
		return standing{stage: working}
	case c.Status == journal.Paused:
		return standing{}
	case s.m.Spent():
		return standing{stage: spent}
	case c.Open:
		return standing{stage: between}
	case c.WakeAt.IsZero():
		return standing{}
	}
	return standing{pausing, c.WakeAt}
}

// report notes where a stack stands, and begins the next waves when it was the
// last to be waited for.
func (f *fleets) report(s *Stack, p standing) {
	f.mu.Lock()
	fl := f.byName[s.graph]
	if fl == nil {
		fl = &fleet{members: map[*Stack]standing{}}
		if f.byName == nil {
			f.byName = map[string]*fleet{}
		}
		f.byName[s.graph] = fl
	}
	fl.put(s, p)
	if len(fl.members) == 0 {
		delete(f.byName, s.graph)
	}
	begin, now := f.next(fl)
	f.mu.Unlock()
	march(begin, now)
}

func (fl *fleet) put(s *Stack, p standing) {
	if fl.members[s].stage == working {
		fl.working--
	}
	if p.stage == working {
		fl.working++
	}
	if p.stage == apart {
		delete(fl.members, s)
		return
	}
	fl.members[s] = p
}

// next are the stacks that go on now: to their next wave, else to the end of the
// cycle, else to the next cycle.
func (f *fleets) next(fl *fleet) (begin []*Stack, now time.Time) {
	now = time.Now()
	if f.halted > 0 || fl.working > 0 {
		return nil, now
	}
	first, due := pausing, false
	for _, p := range fl.members {
		first = min(first, p.stage)
		due = due || !p.due.After(now) // what does not pause is due
	}
	for s, p := range fl.members {
		if due && p.stage == first {
			begin = append(begin, s)
		}
	}
	for _, s := range begin {
		fl.put(s, standing{stage: working})
	}
	return begin, now
}

// march lets stacks go on, with one instant for all of them.
func march(stacks []*Stack, now time.Time) {
	now = now.UTC()
	for _, s := range stacks {
		s.post(func() {
			if !s.stopping {
				s.step(machine.NextWave{At: s.clock(now)})
			}
		})
	}
}

// awaited are the stacks of a fleet, sorted, that have to get as far as s does
// before it goes on.
func (f *fleets) awaited(s *Stack) (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.byName[s.graph]
	if fl == nil {
		return nil
	}
	mine, member := fl.members[s]
	if !member || mine.due.After(time.Now()) {
		return nil
	}
	for other, theirs := range fl.members {
		if theirs.stage < mine.stage {
			names = append(names, other.name)
		}
	}
	slices.Sort(names)
	return names
}

// halt lets no wave of a fleet begin until release.
func (f *fleets) halt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halted++
}

func (f *fleets) release() {
	f.mu.Lock()
	f.halted--
	fleets := make([]*fleet, 0, len(f.byName))
	for _, fl := range f.byName {
		fleets = append(fleets, fl)
	}
	f.mu.Unlock()
	for _, fl := range fleets {
		f.mu.Lock()
		begin, now := f.next(fl)
		f.mu.Unlock()
		march(begin, now)
	}
}

// assemble loads the stacks of lockstep graphs that were taken over, for all of
// a fleet are to begin together. hashes are of the definitions that they ran
// under.
func (rt *Runtime) assemble(ctx context.Context, hashes map[string]bool) error {
	led := map[string]bool{}
	for hash := range hashes {
		kept, err := rt.cfg.Store.Graph(ctx, hash)
		if err != nil {
			rt.log.Error("definition cannot be read", "hash", hash, "error", err) // and so cannot its stacks
			continue
		}
		if kept.lockstep() {
			led[kept.Name] = true
		}
	}
	for _, s := range rt.Stacks() {
		def := rt.presentDefinition(s.graph)
		if !s.child && (led[s.graph] || def != nil && def.g.Fleet == graph.Lockstep) && !s.loaded() {
			rt.fleets.report(s, standing{stage: working})
			s.post(func() { s.marching = true })
		}
	}
	return ctx.Err()
}

// lockstep reads no more of a definition than that: there may be many.
func (s StoredGraph) lockstep() bool {
	var d struct {
		Fleet string `json:"fleet"`
	}
	return json.Unmarshal(s.Def, &d) == nil && d.Fleet == "lockstep"
}
