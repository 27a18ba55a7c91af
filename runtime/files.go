package runtime

import (
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// Waits for files need somebody who looks. All waits of one pattern in one folder share a
// watcher, which looks about once a second, and tells a stack when there is a file that
// has been quiet for as long as the wait asks. Whether that settles the wait is decided by
// the machine, which knows what its node has had. A stack may be unloaded meanwhile.

// Bounds of a watcher.
const (
	lookEvery    = time.Second
	maxEntries   = 100_000 // of folders and files that a look visits; the rest is not seen
	maxLookShare = 10      // a look takes at most one part in so many of the time
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
	waits   map[wait]*told
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

// told is what a wait has heard.
type told struct {
	settle time.Duration
	files  map[string]machine.File
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
			w = &watcher{watched: k, pattern: p, waits: map[wait]*told{}}
			ws.all[k] = w
			w.timer = ws.timers.At(time.Now(), func() { ws.begin(w) })
		}
		for id, q := range ids {
			if w.waits[wait{of, id}] == nil {
				w.waits[wait{of, id}] = &told{settle: q.Settle, files: map[string]machine.File{}}
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
	found, whole := filesOf(w.dir, w.pattern, maxEntries)
	now := time.Now()
	for path, f := range found { // in any order: each is its own
		f.Since = now
		if was, ok := w.seen[path]; ok && was.Size == f.Size && was.Modified.Equal(f.Modified) {
			f.Since = was.Since
		}
		found[path] = f
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.seen = found
	if !whole && !w.warned {
		w.warned = true
		ws.log.Warn("a wait does not see all files: there are too many", "dir", w.dir, "pattern", w.watched.pattern, "at_most", maxEntries)
	}
	for one, t := range w.waits { // in any order: each stack has its own mailbox
		if t.take(found, now) {
			one.of.hear(machine.Files{Pattern: w.watched.pattern, Seen: slices.Collect(maps.Values(found))})
		}
	}
	if !ws.closed && ws.all[w.watched] == w {
		next := max(lookEvery, maxLookShare*now.Sub(begun))
		w.timer = ws.timers.At(now.Add(next), func() { ws.begin(w) })
	}
}

// take notes the files that are quiet now, and reports whether there is a new one.
func (t *told) take(found map[string]machine.File, now time.Time) (news bool) {
	for path := range t.files {
		if _, there := found[path]; !there {
			delete(t.files, path)
		}
	}
	for path, f := range found { // in any order
		if now.Sub(f.Since) < t.settle {
			continue
		}
		if was, ok := t.files[path]; !ok || !was.Since.Equal(f.Since) {
			t.files[path], news = f, true
		}
	}
	return news
}

// filesOf finds the files that match a pattern, by their paths as the pattern spells
// them. dir is the folder of relative ones. It visits at most so many entries; whole says
// that there are no more. What cannot be read is left out.
func filesOf(dir string, p graph.PathPattern, most int) (found map[string]machine.File, whole bool) {
	folder, deep := p.Root()
	root := filepath.FromSlash(folder)
	if !filepath.IsAbs(root) {
		root = filepath.Join(dir, root)
	}
	found, whole = map[string]machine.File{}, true
	spelled := ""
	if strings.HasPrefix(p.Text, "./") {
		spelled = "./"
	}
	visited := 0
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if visited++; visited > most {
			whole = false
			return filepath.SkipAll
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return nil
		}
		name := filepath.ToSlash(rel)
		if folder != "." {
			name = strings.TrimSuffix(folder, "/") + "/" + name
		}
		if e.IsDir() {
			if !deep && strings.Count(name, "/")+1 >= p.Depth() {
				return filepath.SkipDir
			}
			return nil
		}
		if !utf8.ValidString(name) || !p.Match(name) {
			return nil
		}
		info, err := os.Stat(path) // follows links
		if err == nil && info.Mode().IsRegular() {
			found[spelled+name] = machine.File{Path: spelled + name, Size: info.Size(), Modified: info.ModTime().UTC()}
		}
		return nil
	})
	return found, whole
}
