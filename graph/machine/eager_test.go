package machine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

// race runs a stack's first cycle in virtual time: each task takes as long as lasts
// says, and no slot is missing. It gives how long the cycle took.
func race(t testing.TB, src string, lasts func(node string) time.Duration) (time.Duration, []journal.Record) {
	t.Helper()
	m, err := New(compile(t, src), Options{}, journal.Identity{Stack: "s"}, nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	type end struct {
		at   time.Time
		task Task
	}
	var ends []end
	var records []journal.Record
	now := epoch
	step := func(in Input) {
		if err := m.Step(in); err != nil {
			t.Fatal(err)
		}
	}
	step(Woke{At: now})
	for {
		for r, ok := m.Ready(); ok; r, ok = m.Ready() {
			records = append(records, journal.Singles(r.Records)...)
			m.Advance()
			for _, task := range r.Start {
				step(TaskRunning{At: now, Key: task.Key, Attempt: task.Attempt})
				ends = append(ends, end{now.Add(lasts(task.Key.Node)), task})
			}
		}
		if !m.Cursor().Open {
			return now.Sub(epoch), records
		}
		next := slices.MinFunc(ends, func(a, b end) int { return a.at.Compare(b.at) }).at
		now = next
		// In any order: of those of one moment the machine takes the first in declaration order first.
		rand.Shuffle(len(ends), func(i, k int) { ends[i], ends[k] = ends[k], ends[i] })
		ends = slices.DeleteFunc(ends, func(e end) bool {
			if e.at.Equal(next) {
				step(TaskDone{At: now, Key: e.task.Key, Attempt: e.task.Attempt})
				return true
			}
			return false
		})
	}
}

// Two chains of 3 s + 0.5 s and of 0.5 s + 3 s take 3.5 s, and with a barrier 6 s.
func TestEagerChains(t *testing.T) {
	t.Parallel()
	const src = `
graphrun: 1
name: chains
waves: %s
nodes: {a: {uses: work}, b: {uses: work}, c: {uses: work}, d: {uses: work}}
edges: [{to: [a, c]}, {from: a, to: b}, {from: c, to: d}]
limits: {cycles: 1}
`
	lasts := func(node string) time.Duration {
		return map[string]time.Duration{"a": 3 * time.Second, "b": time.Second / 2, "c": time.Second / 2, "d": 3 * time.Second}[node]
	}
	for waves, want := range map[string]time.Duration{"eager": 3500 * time.Millisecond, "barrier": 6 * time.Second} {
		if took, _ := race(t, fmt.Sprintf(src, waves), lasts); took != want {
			t.Errorf("%s: the cycle takes %s, want %s", waves, took, want)
		}
	}
}

// A graph of 1,000 nodes takes as long as its longest chain.
func TestEagerTakesTheCriticalPath(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var nodes, edges strings.Builder
	lasts, until := map[string]time.Duration{}, make([]time.Duration, 1000)
	longest := time.Duration(0)
	for i := range until {
		name := fmt.Sprintf("n%d", i)
		lasts[name] = time.Duration(random.IntN(3000)+1) * time.Millisecond
		fmt.Fprintf(&nodes, "  %s: {uses: work, join: all}\n", name)
		if i < 20 {
			fmt.Fprintf(&edges, "  - {to: %s}\n", name)
		}
		sources := map[int]bool{}
		for range min(i/20, 1+random.IntN(3)) {
			from := random.IntN(i)
			if !sources[from] {
				sources[from] = true
				fmt.Fprintf(&edges, "  - {from: n%d, to: %s}\n", from, name)
				until[i] = max(until[i], until[from])
			}
		}
		until[i] += lasts[name]
		longest = max(longest, until[i])
	}
	src := "graphrun: 1\nname: many\nwaves: eager\nnodes:\n" + nodes.String() + "edges:\n" + edges.String() + "limits: {cycles: 1}\n"
	took, records := race(t, src, func(node string) time.Duration { return lasts[node] })
	if took != longest {
		t.Errorf("the cycle takes %s, its longest chain %s", took, longest)
	}
	commits := uint64(0)
	for _, r := range records {
		if b, ok := r.Body.(*journal.WaveCommitted); ok {
			if commits++; b.Commit != commits || len(b.Settled) != 1 {
				t.Fatalf("commit %d has number %d and %d nodes", commits, b.Commit, len(b.Settled))
			}
		}
	}
	if commits != 1000 {
		t.Errorf("%d commits", commits)
	}
}

// Nodes that end at one moment are committed in declaration order, in whichever order
// the driver says so.
func TestEagerOneMoment(t *testing.T) {
	t.Parallel()
	for range 20 {
		_, records := race(t, `
graphrun: 1
name: moment
waves: eager
nodes: {d: {uses: work}, b: {uses: work}, c: {uses: work}, a: {uses: work}, late: {uses: work}}
edges: [{to: [a, b, c, d]}, {from: d, to: late}]
limits: {cycles: 1}
`, func(string) time.Duration { return time.Second })
		var order []string
		for _, r := range records {
			if b, ok := r.Body.(*journal.WaveCommitted); ok {
				order = append(order, b.Settled[0].Node)
			}
		}
		if got := strings.Join(order, " "); got != "d b c a late" {
			t.Fatalf("committed in the order %s", got)
		}
	}
}

// eagerly makes a random graph one with `waves: eager`, whose tasks are given the state.
func eagerly(p randomgraph.Graph) string {
	p.Eager = true
	return strings.ReplaceAll(p.YAML(), "{uses: work, join", `{uses: work, with: {a: "${{ state.a }}", all: "${{ [state.b, state.c, state.d] }}", n0: "${{ nodes.n0.status }}"}, join`)
}

// A crash after any commit changes nothing of a random graph: neither what is decided,
// nor what tasks are given, nor the state; and its history is decided again as it was.
func TestEagerRandomGraphs(t *testing.T) {
	t.Parallel()
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		p := randomgraph.DrawPlain(rt, false)
		g, ok := tryCompile(eagerly(p))
		if !ok {
			rt.Skip()
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		play := func(crashAt int) (*rig, string) {
			r := newRig(t, g)
			r.crashAt = crashAt
			given := map[string]string{}
			r.committed = func(ready Ready) {
				for _, task := range ready.Start {
					given[fmt.Sprint(task.Key)] = fmt.Sprint(task.With)
				}
			}
			random := rand.New(rand.NewPCG(seed, 0))
			if err := r.start(nil, nil); err != nil {
				rt.Fatal(err)
			}
			for range 2 {
				r.wake("early")
				r.drain()
				for len(r.tasks) > 0 || r.m.Cursor().Open && !r.m.WakeAt().IsZero() {
					var names []string
					for _, name := range g.NodeIDs() {
						if r.tasks[name] != nil {
							names = append(names, name)
						}
					}
					if len(names) == 0 {
						r.wake("")
						r.drain()
						continue
					}
					r.clock = r.clock.Add(time.Millisecond)
					if at := r.m.WakeAt(); !at.IsZero() && !at.After(r.clock) { // a restart would not wait for it
						r.step(Woke{At: r.clock})
						r.drain()
						continue
					}
					if name := names[random.IntN(len(names))]; random.IntN(4) > 0 {
						r.done(name, random.IntN(2) == 0)
					} else {
						r.fail(name, journal.Failure{Kind: "exit"})
					}
					r.drain()
				}
			}
			text := story(r)
			for _, key := range slices.Sorted(maps.Keys(given)) {
				text += key + " " + given[key] + "\n"
			}
			return r, text
		}
		plain, want := play(0)
		checkReplay(t, plain)
		r, got := play(1 + int(seed%uint64(plain.advances)))
		checkReplay(t, r)
		if got != want {
			rt.Fatalf("%s\nwithout a crash:\n%s\nwith one after advance %d:\n%s", eagerly(p), want, r.crashAt, got)
		}
		compared++
	})
	if !testing.Short() && compared < 30 {
		t.Errorf("%d graphs are too few", compared)
	}
}
