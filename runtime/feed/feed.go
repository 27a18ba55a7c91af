package feed

import (
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// Commit is the news of one commit. Everything in it is shared and must not be changed;
// it may be kept.
type Commit struct {
	Stack, Graph string
	Records      []journal.Record // one by one: rounds are taken apart
	Cursor       journal.Cursor   // where the stack stands after it
}

// Note is a word of a task about what it is doing. It is not recorded.
type Note struct {
	Stack, Graph string
	Task         journal.TaskKey
	Attempt      int
	At           time.Time
	Text         string
}

// Feed passes news on. The zero value is ready to use. It is safe for concurrent use:
// listeners may come and go at any time, but not within a call of a listener.
type Feed struct {
	mu      sync.RWMutex
	commits map[string][]*func(Commit) // by stack; "" for those of all stacks
	notes   map[string][]*notes
	deltas  map[string][]*deltas
}

// notes is a listener with the notes that it has not seen yet.
type notes struct {
	waiting chan Note
	gone    chan struct{}
}

// heldNotes bounds how many notes wait for one listener.
const heldNotes = 64

// Of makes a feed with one listener to the commits of all stacks.
func Of(listener func(Commit)) *Feed {
	f := &Feed{}
	f.OnCommit("", listener)
	return f
}

// OnCommit calls listener with every later commit of a stack, or of all stacks when
// stack is "". The stack waits for it, so it should be quick, and it may not call
// methods of the stack that wait for the stack (Snapshot, Cancel, Detach, Wait). stop
// ends it.
func (f *Feed) OnCommit(stack string, listener func(Commit)) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commits == nil {
		f.commits = map[string][]*func(Commit){}
	}
	f.commits[stack] = append(slices.Clip(f.commits[stack]), &listener)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		drop(f.commits, stack, &listener)
	}
}

// OnNote calls listener with later notes of a stack, or of all stacks when stack is "",
// one after the other on a goroutine of its own. While it is busy a few notes wait; any
// further ones are dropped. stop ends it.
func (f *Feed) OnNote(stack string, listener func(Note)) (stop func()) {
	n := &notes{waiting: make(chan Note, heldNotes), gone: make(chan struct{})}
	f.mu.Lock()
	if f.notes == nil {
		f.notes = map[string][]*notes{}
	}
	f.notes[stack] = append(slices.Clip(f.notes[stack]), n)
	f.mu.Unlock()
	go func() {
		for {
			select {
			case note := <-n.waiting:
				aside(func() { listener(note) })
			case <-n.gone:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		f.mu.Lock()
		drop(f.notes, stack, n)
		f.mu.Unlock()
		close(n.gone)
	})
}

// drop takes a listener out of a list, which others may be walking.
func drop[L comparable](lists map[string][]L, stack string, listener L) {
	left := slices.DeleteFunc(slices.Clone(lists[stack]), func(l L) bool { return l == listener })
	if len(left) == 0 {
		delete(lists, stack)
		return
	}
	lists[stack] = left
}

// Commit tells the listeners of a commit, and returns when all of them have returned. Its
// records may be rounds.
func (f *Feed) Commit(c Commit) {
	f.mu.RLock()
	all, one := f.commits[""], f.commits[c.Stack]
	f.mu.RUnlock()
	if len(all)+len(one) > 0 {
		c.Records = journal.Singles(c.Records)
		pass(c, all, one)
	}
}

// pass calls listeners with a commit. It is apart because its closures move the commit to
// the heap, also when there is nobody to call.
func pass(c Commit, lists ...[]*func(Commit)) {
	left := slices.Concat(lists...)
	for len(left) > 0 { // another goroutine only after a listener has ended the one before
		aside(func() {
			for len(left) > 0 {
				l := left[0]
				left = left[1:]
				(*l)(c)
			}
		})
	}
}

// aside calls a listener on a goroutine of its own and waits for it: a listener that
// ends its goroutine, as a test that fails does, must not end that of the caller.
func aside(call func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		call()
	}()
	<-over
}

// Note tells the listeners of a note, and waits for none of them.
func (f *Feed) Note(n Note) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, list := range [][]*notes{f.notes[""], f.notes[n.Stack]} {
		for _, l := range list {
			select {
			case l.waiting <- n:
			default:
			}
		}
	}
}
