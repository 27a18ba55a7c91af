package runtime

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/files"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// Waits for files need somebody who looks. All waits of one pattern in one folder share a
// watcher, which looks about once a second, and tells a stack when there is a file that
// has been quiet for as long as the wait asks. Whether that settles the wait is decided by
// the machine, which knows what its node has had. A stack may be unloaded meanwhile.

// Bounds of a watcher.
const (
	lookEvery    = time.Second
	maxLookShare = 10 // a look takes at most one part in so many of the time
)

// watchers are the watchers of a runtime.
type watchers struct {
	timers *timer.Heap
	log    *slog.Logger

	mu     sync.Mutex
	closed bool
	all    map[watched]*watcher
	busy   sync.WaitGroup // looks that are under way
}

// watched is what a watcher looks at.
type watched struct{ dir, pattern string }

// watcher looks at the files of one pattern.
type watcher struct {
	watched
	pattern graph.PathPattern
	waits   map[wait]*files.Told
	timer   *timer.Timer
	seen    map[string]machine.File // as of the last look
	warned  bool
}

// listener is a stack that waits for files. It hears of them at any moment, and returns at
// once.
type listener interface{ hear(machine.Files) }

// wait is a wait of a stack.
type wait struct {
	of listener
	id string // of journal.Waiting
}

// watch looks for what the waits of a stack are for, and no longer for anything else.
func (ws *watchers) watch(of listener, dir string, open []journal.Waiting) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		open = nil
	}
	wanted := map[watched]map[string]*journal.Waiting{}
	for i := range open {
		k := watched{dir, open[i].Files}
		if wanted[k] == nil {
			wanted[k] = map[string]*journal.Waiting{}
		}
		wanted[k][open[i].ID()] = &open[i]
	}
	for k, w := range ws.all { // in any order
		for one := range w.waits {
			if one.of == of && wanted[k][one.id] == nil {
				delete(w.waits, one)
			}
		}
		if len(w.waits) == 0 {
			ws.timers.Stop(w.timer)
			delete(ws.all, k)
		}
	}
	for k, ids := range wanted {
		w := ws.all[k]
		if w == nil {
			p, err := graph.ParsePathPattern(k.pattern)
			if err != nil {
				continue // the machine has refused it
			}
			w = &watcher{watched: k, pattern: p, waits: map[wait]*files.Told{}}
			ws.all[k] = w
			w.timer = ws.timers.At(time.Now(), func() { ws.begin(w) })
		}
		for id, q := range ids {
			if w.waits[wait{of, id}] == nil {
				w.waits[wait{of, id}] = files.Tell(q.Settle)
			}
		}
	}
}

// close stops all looking.
func (ws *watchers) close() {
	ws.mu.Lock()
	ws.closed = true
	for _, w := range ws.all {
		ws.timers.Stop(w.timer)
	}
	clear(ws.all)
	ws.mu.Unlock()
	ws.busy.Wait()
}

// begin has a watcher look, beside the timers.
func (ws *watchers) begin(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed || ws.all[w.watched] != w {
		return
	}
	ws.busy.Add(1)
	go func() {
		defer ws.busy.Done()
		ws.look(w)
	}()
}

// look sees which files there are, tells the waits, and comes back later.
func (ws *watchers) look(w *watcher) {
	begun := time.Now()
	found, whole := files.Find(w.dir, w.pattern, files.MaxEntries)
	now := time.Now()
	files.Date(found, w.seen, now)
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.seen = found
	if !whole && !w.warned {
		w.warned = true
		ws.log.Warn("a wait does not see all files: there are too many", "dir", w.dir, "pattern", w.watched.pattern, "at_most", files.MaxEntries)
	}
	for one, t := range w.waits { // in any order: each stack has its own mailbox
		if t.Take(found, now) {
			one.of.hear(machine.Files{Pattern: w.watched.pattern, Seen: slices.Collect(maps.Values(found))})
		}
	}
	if !ws.closed && ws.all[w.watched] == w {
		next := max(lookEvery, maxLookShare*now.Sub(begun))
		w.timer = ws.timers.At(now.Add(next), func() { ws.begin(w) })
	}
}
