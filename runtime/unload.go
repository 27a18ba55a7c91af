package runtime

import (
	"container/list"
	"sync"
)

// resting holds the loaded stacks that only wait, the longest-waiting first. When there
// are more than bound, those that have waited longest are unloaded; the store has all
// that is needed to load them again.
type resting struct {
	bound int

	mu     sync.Mutex
	stacks list.List // of *drive
}

// add puts a stack behind all others that wait.
func (r *resting) add(d *drive) {
	r.mu.Lock()
	if d.shelf == nil {
		d.shelf = r.stacks.PushBack(d)
	} else {
		r.stacks.MoveToBack(d.shelf)
	}
	var surplus []*drive
	for r.stacks.Len() > r.bound {
		old := r.stacks.Remove(r.stacks.Front()).(*drive)
		old.shelf = nil
		surplus = append(surplus, old)
	}
	r.mu.Unlock()
	for _, old := range surplus {
		old.unload()
	}
}

// remove forgets a stack.
func (r *resting) remove(d *drive) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.shelf != nil {
		r.stacks.Remove(d.shelf)
		d.shelf = nil
	}
}

// loaders is how many stacks are loaded at the same time: after a long downtime
// thousands may be due at once.
const loaders = 8

// loader loads stacks that got mail, and starts their loops.
type loader struct {
	mu      sync.Mutex
	queue   []*drive
	working int
}

func (l *loader) add(d *drive) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, d)
	if l.working < loaders {
		l.working++
		go l.work()
	}
}

func (l *loader) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.working--
			l.mu.Unlock()
			return
		}
		d := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		if err := d.fill(d.eng.base, nil); err != nil {
			d.eng.log.Error("stack cannot be loaded", "stack", d.name, "error", err)
			d.cannotGoOn(err)
			continue
		}
		if d.closed {
			d.home.leave(d)
		}
		go d.wakeLoaded()
	}
}
