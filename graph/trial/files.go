package trial

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
	"github.com/graphrun/graphrun/graph/tree"
)

// files lets files come, as an engine sees them that looks at the moment at which they have
// been quiet for long enough. Those that were there before and come again have changed.
func (r *run) files(s *Step) {
	if end := r.ended(); end != "" {
		r.stop(s.At, "%s: %s", s.Does, end)
		return
	}
	now := r.s.Now()
	list := s.Files.Items
	if s.Files.Kind != tree.List {
		list = []*tree.Node{s.Files}
	}
	all := make([]machine.File, len(list))
	for i, it := range list {
		path, size := fileOf(it)
		all[i] = machine.File{Path: path, Size: size, Modified: now}
	}
	taken := make([]bool, len(all))
	ended := false
	r.s.All(func(one *sim.Sim) {
		c := one.Machine().Cursor()
		for _, w := range c.Questions() {
			seen := matching(&w, all, taken, now)
			if len(seen) == 0 {
				continue
			}
			if err := one.Machine().Step(machine.Files{At: now, Pattern: w.Files, Seen: seen}); err != nil {
				r.stop(s.At, "%v", err)
				return
			}
			ended = ended || !waits(one.Machine(), w.ID())
		}
	})
	for i, it := range list {
		if !taken[i] && !r.broken {
			r.stop(place(it, s.At), "no node waits for the file %q: %s", all[i].Path, r.idle())
		}
	}
	if !ended && !r.broken {
		r.stop(s.At, "no wait is over: its node has had these files as they are")
	}
	if !r.broken {
		r.stepped(r.s.Settle())
	}
}

// fileOf reads an entry of `files`.
func fileOf(n *tree.Node) (path string, size int64) {
	if n.Kind != tree.Map {
		return n.Text.Value, 1
	}
	size = 1
	if s := n.Get("size"); s != nil {
		size = s.Int
	}
	if p := n.Get("path"); p != nil {
		path = p.Text.Value
	}
	return path, size
}

// matching are those of the files that a node waits for, and notes which.
func matching(w *journal.Waiting, all []machine.File, taken []bool, now time.Time) (seen []machine.File) {
	if w.Files == "" || w.Answered {
		return nil
	}
	p, err := graph.ParsePathPattern(w.Files)
	if err != nil {
		return nil
	}
	for i := range all {
		if p.Match(all[i].Path) {
			f := all[i]
			f.Since = now.Add(-w.Settle)
			seen, taken[i] = append(seen, f), true
		}
	}
	return seen
}

// waits reports whether a wait is still open.
func waits(m *machine.Machine, id string) bool {
	for _, w := range m.Cursor().Waiting {
		if w.ID() == id && !w.Answered {
			return true
		}
	}
	return false
}
