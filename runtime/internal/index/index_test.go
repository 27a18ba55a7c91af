package index

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// naive answers by looking at every stack.
type naive struct {
	sums map[string]journal.Summary
	ails map[string]bool
}

func (n *naive) inner(s *journal.Summary) bool {
	_, _, known := inspect.ParentOf(&s.Identity)
	return s.Identity.Parent != "" && (known || s.Cursor.Status.Ended())
}

// top is the outermost stack; false where one around it is missing.
func (n *naive) top(s journal.Summary) (journal.Summary, bool) {
	for {
		parent, _, known := inspect.ParentOf(&s.Identity)
		if !known {
			return s, true
		}
		up, ok := n.sums[parent]
		if !ok {
			return s, false
		}
		s = up
	}
}

func (n *naive) asks() (all []Ask, graphs []string) {
	of := map[Ask]string{}
	for _, s := range n.sums {
		top, ok := n.top(s)
		if s.Err != nil || s.Cursor.Status.Ended() || !ok {
			continue
		}
		for _, w := range s.Cursor.Questions() {
			if w.Kind == "approval" || len(w.Calls) > 0 {
				of[Ask{w.Since, top.Identity.Stack, s.Identity.Stack}] = top.Identity.Graph
			}
		}
	}
	all = slices.SortedFunc(maps.Keys(of), func(a, b Ask) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Top, b.Top), cmp.Compare(a.Stack, b.Stack))
	})
	for _, a := range all {
		graphs = append(graphs, of[a])
	}
	return all, graphs
}

func (n *naive) group(s journal.Summary, all []Ask) Group {
	switch st := s.Cursor.Status; {
	case !st.Ended() && slices.ContainsFunc(all, func(a Ask) bool { return a.Top == s.Identity.Stack }):
		return Asking
	case st == journal.Failed || s.Err != nil || len(s.Cursor.Parked) > 0 || n.ails[s.Identity.Stack]:
		return Failed
	case st.Ended():
		return Ended
	case st == journal.Paused:
		return Paused
	}
	return Running
}

func (n *naive) list(w Where, after string) (ids []string) {
	for id, s := range n.sums {
		top, ok := n.top(s)
		switch {
		case id <= after, w.Graph != "" && w.Graph != s.Identity.Graph, w.Status != "" && w.Status != s.Cursor.Status, !w.Inner && n.inner(&s):
		case w.Within != "" && (!ok || top.Identity.Graph != w.Within):
		default:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (n *naive) inGroup(graph string, g Group, text string, all []Ask) (ids []string) {
	for id, s := range n.sums {
		if graph != "" && graph != s.Identity.Graph || n.group(s, all) != g || n.inner(&s) {
			continue
		}
		if strings.Contains(id, text) || strings.Contains(s.Cursor.Reason, text) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

var (
	statuses = []journal.Status{journal.Running, journal.Paused, journal.Completed, journal.Failed, journal.Cancelled}
	names    = []string{"g", "h", "i"}
)

// some is a stack that is somewhere, perhaps within another one.
func some(r *rand.Rand) journal.Summary {
	var s journal.Summary
	s.Identity.Stack, s.Identity.Graph = fmt.Sprintf("s%02d", r.IntN(12)), names[r.IntN(len(names))]
	for depth := r.IntN(4); depth > 0; depth-- { // a child of the one before
		k := journal.TaskKey{Cycle: 1, Wave: 1, Node: "n", Item: fmt.Sprint(r.IntN(2))}
		up := journal.Identity{Stack: s.Identity.Stack, Nonce: "x"}
		s.Identity.Stack, s.Identity.Parent = machine.ChildID(up.Stack, k), up.TaskKey(k)
	}
	if r.IntN(20) == 0 {
		s.Identity.Parent = "unknown"
	}
	at := &s.Cursor
	at.Status = statuses[r.IntN(len(statuses))]
	if r.IntN(2) == 0 {
		at.Status = journal.Running
	}
	if at.Status != journal.Running {
		at.Reason = []string{"", "every artifact passed", "the limit s03"}[r.IntN(3)]
	}
	if r.IntN(8) == 0 {
		at.Parked = []journal.Parked{{Node: "n"}}
	}
	for range r.IntN(3) {
		kind := []string{"approval", "wait", "agent"}[r.IntN(3)]
		w := journal.Waiting{Node: "n", Kind: kind, Since: time.Unix(int64(r.IntN(30)), 5).UTC(), Answered: r.IntN(5) == 0}
		if kind != "agent" {
			at.Waiting = append(at.Waiting, w)
			continue
		}
		w.Calls = []journal.Call{{ID: "a", Answered: r.IntN(3) == 0}}
		at.Asking = append(at.Asking, w)
	}
	return s
}

// TestModel: whatever comes, moves and goes, the index answers as who looks at every stack.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		x, n := New(), &naive{map[string]journal.Summary{}, map[string]bool{}}
		// Before it is ready, a reader of the store is always a little late.
		var late []journal.Summary
		heard := map[string]bool{}
		for step := range 300 {
			s := some(r)
			id := s.Identity.Stack
			was, there := n.sums[id]
			switch what := r.IntN(10); {
			case step < 30 && what < 6: // it was there before
				if !there && !heard[id] {
					n.sums[id] = s
					late = append(late, s)
				}
			case what < 7:
				heard[id] = true
				if there {
					s.Identity = was.Identity
				}
				n.sums[id] = s
				x.Put(&s.Identity, &s.Cursor)
			case what < 9:
				heard[id] = true
				delete(n.sums, id)
				x.Remove(id)
			default:
				n.ails[id] = !n.ails[id]
				x.Ail(id, n.ails[id])
			}
			if step == 40 {
				broken := journal.Summary{Identity: journal.Identity{Stack: "broken"}, Err: fmt.Errorf("damaged")}
				n.sums["broken"] = broken
				slices.SortFunc(late, func(a, b journal.Summary) int { return cmp.Compare(a.Identity.Stack, b.Identity.Stack) })
				for _, s := range append(late, broken) {
					x.Fill(&s)
				}
				x.Filled()
			}
			if step > 40 && step%13 == 0 {
				compare(t, r, x, n)
			}
		}
		for id := range n.sums {
			x.Remove(id)
		}
		if len(x.heads)+len(x.lists)+len(x.asks)+len(x.within)+len(x.visible) > 0 {
			t.Fatalf("seed %d: it has not forgotten everything: %v %v %v %v %v", seed, x.heads, x.lists, x.asks, x.within, x.visible)
		}
	}
}

func compare(t *testing.T, r *rand.Rand, x *Index, n *naive) {
	t.Helper()
	for _, w := range []Where{{}, {Inner: true}, {Graph: "g"}, {Graph: "h", Status: journal.Running, Inner: true}, {Status: journal.Failed}, {Graph: "none"},
		{Within: "g", Inner: true}, {Within: "none", Inner: true, Status: journal.Running}} {
		after := []string{"", "s05", "s05.x"}[r.IntN(3)]
		var got []string
		for size, more := 1+r.IntN(5), true; more; {
			page := x.After(w, append([]string{after}, got...)[len(got)], size)
			got, more = append(got, page...), len(page) == size
		}
		if diff := gocmp.Diff(n.list(w, after), got); diff != "" {
			t.Fatalf("%+v after %q (-want +got):\n%s", w, after, diff)
		}
	}
	all, of := n.asks()
	for _, graph := range []string{"", "g", "none"} {
		groups, _ := x.Counts(graph)
		for _, g := range Groups {
			for _, text := range []string{"", []string{"s03", "passed", "nothing"}[r.IntN(3)]} {
				want := n.inGroup(graph, g, text, all)
				if text == "" && groups[g] != len(want) {
					t.Fatalf("%q has %d %s, want %d", graph, groups[g], g, len(want))
				}
				skip := r.IntN(4)
				got, found := x.InGroup(graph, g, text, skip, 3)
				if part := want[min(skip, len(want)):]; found != len(want) || !slices.Equal(got, part[:min(3, len(part))]) {
					t.Fatalf("%q %s %q without %d: %v of %d, want %v", graph, g, text, skip, got, found, want)
				}
			}
		}
		var got, want []Ask
		for i, a := range all {
			if graph == "" || graph == of[i] {
				want = append(want, a)
			}
		}
		for from := (Ask{}); ; from = got[len(got)-1] {
			page := x.Asks(graph, from, 3)
			if len(got) > 0 {
				got = got[:len(got)-1]
			}
			if got = append(got, page...); len(page) < 3 {
				break
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("questions of %q (-want +got):\n%s", graph, diff)
		}
	}
}

// TestConcurrently: commits, removals and questions at the same time, while it is filled.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	x := New()
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 2))
			for range 2000 {
				s := some(r)
				switch r.IntN(6) {
				case 0:
					x.Remove(s.Identity.Stack)
				case 1:
					x.Fill(&s)
				case 2:
					x.After(Where{Status: s.Cursor.Status, Inner: true}, "s05", 5)
					x.InGroup("", Asking, "s", 0, 5)
				case 3:
					x.Asks("g", Ask{}, 5)
					x.Counts("")
				default:
					x.Put(&s.Identity, &s.Cursor)
				}
			}
			x.Filled()
		})
	}
	wg.Wait()
}
