package machine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// backtest holds a Backtest of a history against machines that are driven cycle by cycle.
func (t *trial) backtest() {
	test := func(g *graph.Graph) (all []Backtested) {
		err := Backtest{History: t.r.replayer(), Graph: g}.Run(func(b Backtested) error { all = append(all, b); return nil })
		if err != nil {
			t.Fatalf("%s\nbacktest: %v", t.want.g.YAML(), err)
		}
		return all
	}
	for _, b := range test(t.r.g) {
		if b.Differs() {
			t.Fatalf("%s\ncycle %d of the unchanged graph differs: %+v", t.want.g.YAML(), b.Cycle, b)
		}
		backtestSeen.count("cycles")
	}
	g, text, ok := t.mutant()
	if !ok {
		return
	}
	backtestSeen.count("mutants")
	for _, b := range test(g) {
		known := len(b.Unknown) == 0
		reported := map[string]bool{}
		for _, n := range b.Nodes {
			reported[n.Node] = true
		}
		if b.Differs() {
			backtestSeen.count("differ")
		}
		tries := 3
		if known {
			tries = 1
		}
		for range tries {
			differs, ends := t.byForce(g, b.Cycle)
			for _, n := range g.NodeIDs() {
				_, is := differs[n]
				if is != reported[n] && (reported[n] || !slices.Contains(b.Unknown, n)) {
					t.Fatalf("%s\nto\n%s\ncycle %d: node %s: a backtest says that it differs: %t; by force: %t; unknown are %v\n%s",
						t.want.g.YAML(), text, b.Cycle, n, reported[n], is, b.Unknown, strings.Join(told(t.r), "\n"))
				}
			}
			if known && ends != (b.Ends != nil) {
				t.Fatalf("%s\nto\n%s\ncycle %d: the stack ends: %v, by force %t", t.want.g.YAML(), text, b.Cycle, b.Ends, ends)
			}
		}
	}
}

// backtestSeen counts what the comparisons with the naive reading meet of backtests.
var backtestSeen counts

// counts may be used by tests that run in parallel.
type counts struct{ sync.Map }

func (c *counts) count(what string) {
	n, _ := c.LoadOrStore(what, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

func (c *counts) String() string {
	var list []string
	c.Range(func(what, n any) bool {
		list = append(list, fmt.Sprintf("%s %d", what, n.(*atomic.Int64).Load()))
		return true
	})
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// mutant is the graph with an edge changed or removed, or another join.
func (t *trial) mutant() (*graph.Graph, string, bool) {
	lines := strings.Split(t.want.g.YAML(), "\n")
	edges := slices.Index(lines, "edges:")
	var at []int
	for i, l := range lines {
		if i > edges && edges >= 0 && strings.HasPrefix(l, "  - ") || strings.Contains(l, "join: ") {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return nil, "", false
	}
	i := rapid.SampledFrom(at).Draw(t.T, "mutated")
	switch l := lines[i]; {
	case strings.Contains(l, "join: "):
		was, _, _ := strings.Cut(l[strings.Index(l, "join: ")+6:], ",")
		lines[i] = strings.Replace(l, "join: "+was, "join: "+rapid.SampledFrom([]string{"any", "all", "none"}).Draw(t.T, "join"), 1)
	case strings.Contains(l, "when: 'not "):
		lines[i] = strings.Replace(l, "when: 'not ", "when: '", 1)
	case strings.Contains(l, "when: '") && rapid.Bool().Draw(t.T, "negated"):
		lines[i] = strings.NewReplacer("when: '", "when: 'not (", "'}", ")'}").Replace(l)
	case strings.Contains(l, "outcome: success") && rapid.Bool().Draw(t.T, "outcome"):
		lines[i] = strings.Replace(l, "outcome: success", "outcome: failure", 1)
	default:
		lines = slices.Delete(lines, i, i+1)
	}
	text := strings.Join(lines, "\n")
	g, ok := tryCompile(text)
	return g, text, ok && g.Hash != t.r.g.Hash
}

// byForce drives a fresh machine from the recorded state through a cycle, with the
// recorded results, and any for others. It gives the nodes that run or not, other than
// recorded.
func (t *trial) byForce(g *graph.Graph, cycle uint64) (differs map[string]bool, ends bool) {
	begin := slices.IndexFunc(t.r.records, func(rec journal.Record) bool { return rec.Cycle == cycle && rec.Body.Type() == "cycle.started" })
	begins := t.r.records[begin]
	before, err := t.r.replayer().Before(begins.Seq)
	if err != nil {
		t.Fatal(err)
	}
	snap, _ := before.Snapshot()
	o := t.r.o
	m, err := restore(t.r.g, o, snap, begins.Time, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Adopt(g, begins.Time); errors.Is(err, ErrStillRunning) {
		return nil, false
	} else if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{} // tasks that wait
	ran, results := map[string]bool{}, map[string][]journal.Record{}
	for _, rec := range t.r.records[begin:] {
		if rec.Cycle != cycle {
			break
		}
		switch b := rec.Body.(type) {
		case *journal.NodeDecided:
			ran[b.Node] = b.Run
		case *journal.TaskWaiting:
			if name := b.Node + "/" + b.Item; b.Began == 0 && !left[name] {
				left[name] = true
				results[name] = append(results[name], rec)
			}
		case *journal.TaskFinished:
			if !left[b.Node+"/"+b.Item] && b.Began == 0 && !(b.Error != nil && b.Error.Kind == "cancelled") {
				results[b.Node+"/"+b.Item] = append(results[b.Node+"/"+b.Item], rec)
			}
		}
	}
	runs, again, begun, at := map[string]bool{}, map[string]bool{}, false, begins.Time
	var pending []Task
	step := func(in Input) {
		if err := m.Step(in); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < 10_000; n++ {
		if r, ok := m.Ready(); ok {
			for rec := range journal.EachRecord(r.Records) {
				if b, ok := rec.Body.(*journal.NodeDecided); ok && rec.Cycle == cycle {
					runs[b.Node] = b.Run
				}
			}
			over := slices.ContainsFunc(r.Records, func(rec journal.Record) bool { return rec.Cycle == cycle && rec.Body.Type() == "cycle.finished" })
			pending = append(pending, r.Start...)
			if over {
				c := m.Cursor()
				ends = c.Status.Ended() || c.Finally != nil || c.Closing != nil
				break
			}
			m.Advance()
			for _, key := range r.Cancel {
				if i := slices.IndexFunc(pending, func(p Task) bool { return p.Key == key }); i >= 0 {
					gone := pending[i]
					pending = slices.Delete(pending, i, i+1)
					step(TaskGone{At: at, Key: key, Attempt: gone.Attempt})
				}
			}
			continue
		}
		if !begun {
			begun = true
			step(Woke{At: at, Early: true})
			continue
		}
		next, first, back := -1, uint64(1<<63), false
		for i := range pending {
			seq := uint64(1 << 62)
			if all := results[pending[i].Key.Node+"/"+pending[i].Key.Item]; len(all) > 0 {
				seq = all[0].Seq
			}
			if seq < first {
				next, first = i, seq
			}
		}
		for name := range again { // the next attempt of another one came before
			all := results[name]
			back = back || len(all) > 0 && all[0].Seq < first && !slices.ContainsFunc(pending, func(p Task) bool { return p.Key.Node+"/"+p.Key.Item == name })
		}
		if wake := m.WakeAt(); next < 0 || back && !wake.IsZero() {
			if wake.IsZero() {
				break
			}
			at = wake
			step(Woke{At: at})
			continue
		}
		p := pending[next]
		pending = slices.Delete(pending, next, next+1)
		step(TaskRunning{At: at, Key: p.Key, Attempt: p.Attempt})
		name := p.Key.Node + "/" + p.Key.Item
		known := len(results[name]) > 0
		var b *journal.TaskFinished
		if known {
			asked, asks := results[name][0].Body.(*journal.TaskWaiting)
			b, _ = results[name][0].Body.(*journal.TaskFinished)
			if asks {
				results[name] = nil
				step(TaskWaits{At: at, Key: p.Key, Attempt: p.Attempt, Calls: asked.Calls})
				step(TaskHeld{At: at, Key: p.Key, Attempt: p.Attempt})
				continue
			}
			results[name] = results[name][1:]
			again[name] = true
		}
		switch {
		case known && b.Error != nil && b.Output == nil:
			step(TaskFailed{At: at, Key: p.Key, Attempt: p.Attempt, Failure: *b.Error})
		case known:
			step(TaskDone{At: at, Key: p.Key, Attempt: p.Attempt, Output: t.r.known(b.Output)})
		case rapid.Bool().Draw(t.T, "fails"):
			step(TaskFailed{At: at, Key: p.Key, Attempt: p.Attempt, Failure: journal.Failure{Kind: "exit", Permanent: true}})
		default:
			step(TaskDone{At: at, Key: p.Key, Attempt: p.Attempt, Output: t.r.known(rapid.Bool().Draw(t.T, "gives"))})
		}
	}
	differs = map[string]bool{}
	for _, n := range g.NodeIDs() {
		if ran[n] != runs[n] {
			differs[n] = true
		}
	}
	return differs, ends
}

// A history is tested under a changed graph: what it would have decided, and why.
func TestBacktest(t *testing.T) {
	t.Parallel()
	const before = `
graphrun: 1
name: tested
state: {n: {type: integer, reduce: sum}, m: {type: integer, reduce: sum}}
nodes:
  a: {uses: work, with: {q: "${{ state.n }}"}, writes: {n: output}}
  b: {uses: work, writes: {m: output}}
  c: {uses: work}
  d: {uses: work}
edges:
  - {to: a}
  - {from: a, to: b, when: state.n < 2}
  - {from: a, to: c, when: state.m > 5}
  - {from: b, to: d}
stop: [{when: state.n >= 3}]
`
	r := newRig(t, compile(t, before))
	for _, line := range []string{"start", "wake", "done a 1", "done b 1", "done d", "wake", "done a 1", "wake", "done a 1"} {
		do(r, line)
	}
	for name, c := range map[string]struct {
		was, is string
		want    []string
	}{
		"the same":             {"", "", nil},
		"a condition":          {"state.n < 2", "state.n < 3", []string{"2: b would run", "2: b, d unknown"}},
		"with":                 {`"${{ state.n }}"`, `"${{ state.n + 1 }}"`, []string{"1: a, b, c, d unknown", "2: a, b, c, d unknown", "3: a, b, c, d unknown"}},
		"what is unknown":      {"state.n < 2", "true", []string{"2: b would run", "2: b, d unknown", "3: b would run", "3: b, d unknown"}},
		"a removed edge":       {"  - {from: b, to: d}\n", "", []string{"2: d would run", "2: d unknown", "3: d would run", "3: d unknown"}},
		"the end of the stack": {"state.n >= 3", "state.n >= 2", []string{"2: the stack would end"}},
		"no end":               {"stop: [{when: state.n >= 3}]\n", "", []string{"3: the stack would continue"}},
		"a removed node":       {"  d: {uses: work}\n", "", nil},
	} {
		text := strings.Replace(before, c.was, c.is, 1)
		if name == "a removed node" {
			text = strings.Replace(text, "  - {from: b, to: d}\n", "", 1)
			c.want = []string{"1: d would not run"}
		}
		var got []string
		err := Backtest{History: r.replayer(), Graph: compile(t, text)}.Run(func(b Backtested) error {
			at := journal.Point{Cycle: b.Cycle}.String() + ": "
			for _, n := range b.Nodes {
				if n.Decided != nil && n.Decided.Taken.Run {
					got = append(got, at+n.Node+" would run")
				} else {
					got = append(got, at+n.Node+" would not run")
				}
			}
			if len(b.Unknown) > 0 {
				got = append(got, at+strings.Join(b.Unknown, ", ")+" unknown")
			}
			if b.EndDiff && b.Ends != nil {
				got = append(got, at+"the stack would end")
			} else if b.EndDiff {
				got = append(got, at+"the stack would continue")
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	unfit := compile(t, strings.Replace(before, "n: {type: integer, reduce: sum}", "n: {type: integer, reduce: sum, maximum: 0}", 1))
	var adopt *AdoptError
	if err := (Backtest{History: r.replayer(), Graph: unfit}).Run(func(Backtested) error { return nil }); !errors.As(err, &adopt) || adopt.Cycle != 2 {
		t.Errorf("a state that does not fit: %v", err)
	}
}
