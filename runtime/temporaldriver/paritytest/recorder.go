package paritytest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Recorder keeps what a driver commits. The zero Recorder is ready. It is safe for concurrent
// use.
type Recorder struct {
	mu   sync.Mutex
	now  map[string]*Life // by stack
	all  map[string]*Life // by name
	over bool
}

// Life is a stack from its first commit on.
type Life struct {
	Identity journal.Identity
	Records  []journal.Record // single ones
	Cursor   journal.Cursor   // of the last commit
	State    map[string]any   // with the machine's own lists
	Commits  int
}

// Commit takes note of a commit that has been made.
func (r *Recorder) Commit(c runtime.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	if r.now == nil {
		r.now, r.all = map[string]*Life{}, map[string]*Life{}
	}
	l := r.now[c.Stack]
	if c.Create != nil {
		l = &Life{Identity: *c.Create, State: map[string]any{}}
		r.now[c.Stack] = l
		name := c.Stack
		for n := 2; r.all[name] != nil; n++ { // one before it had the same id
			name = fmt.Sprintf("%s (%d)", c.Stack, n)
		}
		r.all[name] = l
	}
	l.Commits++
	l.Records = append(l.Records, journal.Singles(c.Records)...)
	l.Cursor = c.Cursor
	for i := range c.Changes {
		l.State[c.Changes[i].Name] = c.Changes[i].Value
	}
}

// Running lists the ids of the stacks that have begun and not ended, sorted.
func (r *Recorder) Running() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, l := range r.now { // in any order: sorted
		if !l.Cursor.Status.Ended() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Stop ends the recording: what is committed later is not looked at. It gives what was recorded,
// by the ids of the stacks; a second stack of the same id is "ID (2)".
func (r *Recorder) Stop() map[string]*Life {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	return r.all
}
