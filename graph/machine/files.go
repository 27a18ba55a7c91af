package machine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// A wait for files is over when files are there that its node has not had, or that have
// changed since, and that have been quiet for a while. The driver looks, and says what it
// saw and since when each file has been as it is; what follows from that is decided here.
// What a node had is kept beside the state for the stack's life: the newest MaxHadFiles
// versions of files, the oldest are forgotten first.

// Bounds of waits for files.
const (
	MaxHadFiles  = 100_000 // versions of files that a node remembers
	MaxWaitFiles = 10_000  // files that one wait gives; the next one gives the rest
)

const filesName = journal.SidecarMark + "files."

type (
	// Files says what a driver saw of the files that match a pattern (journal.Waiting.Files).
	Files struct {
		At      time.Time
		Pattern string
		Seen    []File
	}
	// File is one file.
	File struct {
		Path     string // as the pattern spells it
		Size     int64
		Modified time.Time
		Since    time.Time // since when the driver has seen it with this size and time
	}
)

func (Files) input() {}

// modified is the time of a file as text.
func (f *File) modified() string { return f.Modified.UTC().Format(time.RFC3339Nano) }

// hadFiles are the files that a node had, oldest first. An element is [PATH, SIZE, MODIFIED].
type hadFiles struct {
	*sidecar
	last map[string]version // of each path
}

type version struct {
	size     int64
	modified string
}

func restoredFiles(name string, stored any) *hadFiles {
	h := &hadFiles{restored(name, stored), map[string]version{}}
	for _, e := range h.list {
		path, v := versionOf(e)
		h.last[path] = v
	}
	return h
}

func versionOf(e any) (path string, v version) {
	if e, _ := e.([]any); len(e) == 3 {
		path, _ = e[0].(string)
		v.size, _ = e[1].(int64)
		v.modified, _ = e[2].(string)
	}
	return path, v
}

// restoreFiles reads what nodes had of a stored state.
func (m *Machine) restoreFiles(state map[string]any) {
	for name, stored := range state { // in any order: each has its name
		if node, ok := strings.CutPrefix(name, filesName); ok && stored != nil {
			m.hadBy(node, stored)
		}
	}
}

// hadBy is what a node had.
func (m *Machine) hadBy(node string, stored any) *hadFiles {
	if m.had == nil {
		m.had = map[string]*hadFiles{}
	}
	if m.had[node] == nil {
		m.had[node] = restoredFiles(filesName+node, stored)
	}
	return m.had[node]
}

// filesInto adds what nodes had to a stored state.
func (m *Machine) filesInto(state map[string]any) {
	for _, node := range slices.Sorted(maps.Keys(m.had)) {
		m.had[node].into(state)
	}
}

// files settles the waits that have got what they wait for.
func (m *Machine) files(in Files) {
	for _, w := range m.cur.Waiting {
		if w.Files != in.Pattern || w.Answered || w.Late(in.At) {
			continue
		}
		if fresh := m.freshFiles(&w, in); len(fresh) > 0 {
			m.endWait(&w, fresh, nil)
		}
	}
}

// freshFiles are the files that a wait gives, by path.
func (m *Machine) freshFiles(w *journal.Waiting, in Files) (fresh []any) {
	var had map[string]version
	if h := m.had[w.Node]; h != nil {
		had = h.last
	}
	seen := slices.Clone(in.Seen)
	slices.SortFunc(seen, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i := range seen {
		f := &seen[i]
		f.Path = m.maskText(f.Path)
		before, known := had[f.Path]
		switch {
		case in.At.Sub(f.Since) < w.Settle:
		case known && before == version{f.Size, f.modified()}:
		case len(fresh) == MaxWaitFiles:
			return fresh
		default:
			fresh = append(fresh, map[string]any{"path": f.Path, "size": f.Size, "modified": f.modified()})
		}
	}
	return fresh
}

// noteFiles remembers the files that a wait gave.
func (m *Machine) noteFiles(key journal.TaskKey, b *journal.TaskFinished) {
	if m.restoring || b.Error != nil || len(m.cur.Waiting) == 0 {
		return
	}
	w := m.waitingFor(key.Node, key.Item)
	if w == nil || w.Files == "" || w.Task() != key {
		return
	}
	given, _ := b.Output.([]any)
	h := m.hadBy(w.Node, nil)
	for _, one := range given {
		f, _ := one.(map[string]any)
		path, _ := f["path"].(string)
		size, _ := f["size"].(int64)
		modified, _ := f["modified"].(string)
		h.last[path] = version{size, modified}
		if gone, v := versionOf(m.put(h.sidecar, []any{path, size, modified}, MaxHadFiles)); h.last[gone] == v {
			delete(h.last, gone)
		}
	}
}
