package feed

import (
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// Delta is a piece of text that a task has just produced, as a model says it. It is not
// recorded: what was said as a whole is in the task's steps.
type Delta struct {
	Stack, Graph string
	Task         journal.TaskKey
	Attempt      int
	At           time.Time // of the first piece in Text
	Text         string
	// Offset is how many bytes of text the attempt has shown before Text. A listener that
	// was too slow finds a larger one than it expects: pieces were dropped in between.
	Offset int
}

const (
	// heldDeltas bounds how many deltas wait for one listener.
	heldDeltas = 64
	// heldText bounds the text of one of them, in bytes: pieces of an attempt that follow
	// each other are joined while they wait.
	heldText = 16 << 10
)

// deltas is a listener with what it has not seen yet.
type deltas struct {
	mu      sync.Mutex
	waiting []Delta
	over    bool
	news    chan struct{}
	gone    chan struct{}
}

// follows reports whether d continues w: it is of the same attempt, and nothing is
// missing in between.
func (d *Delta) follows(w *Delta) bool {
	return w.Stack == d.Stack && w.Task == d.Task && w.Attempt == d.Attempt && w.Offset+len(w.Text) == d.Offset
}

// OnDelta calls listener with later deltas of a stack, or of all stacks when stack is
// "", one after the other on a goroutine of its own. Those of one attempt come in their
// order. While the listener is busy, pieces of an attempt that follow each other are
// joined. What is too much is dropped, which Delta.Offset shows. stop ends it.
func (f *Feed) OnDelta(stack string, listener func(Delta)) (stop func()) {
	l := &deltas{news: make(chan struct{}, 1), gone: make(chan struct{})}
	f.mu.Lock()
	if f.deltas == nil {
		f.deltas = map[string][]*deltas{}
	}
	f.deltas[stack] = append(slices.Clip(f.deltas[stack]), l)
	f.mu.Unlock()
	go func() {
		for {
			select {
			case <-l.news:
			case <-l.gone:
				return
			}
			for d, ok := l.take(); ok; d, ok = l.take() {
				aside(func() { listener(d) })
			}
		}
	}()
	return sync.OnceFunc(func() {
		f.mu.Lock()
		drop(f.deltas, stack, l)
		f.mu.Unlock()
		l.stop()
	})
}

// Delta tells the listeners of a delta, and waits for none of them.
func (f *Feed) Delta(d Delta) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, list := range [][]*deltas{f.deltas[""], f.deltas[d.Stack]} {
		for _, l := range list {
			l.put(d)
		}
	}
}

func (l *deltas) put(d Delta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.waiting {
		if w := &l.waiting[i]; d.follows(w) && len(w.Text)+len(d.Text) <= heldText {
			w.Text += d.Text
			return
		}
	}
	if len(l.waiting) >= heldDeltas || len(d.Text) > heldText {
		return
	}
	l.waiting = append(l.waiting, d)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// take removes the oldest delta; false if none waits, or the listener is gone.
func (l *deltas) take() (Delta, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || len(l.waiting) == 0 {
		return Delta{}, false
	}
	d := l.waiting[0]
	l.waiting = l.waiting[1:]
	return d, true
}

func (l *deltas) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over, l.waiting = true, nil
	close(l.gone)
}
