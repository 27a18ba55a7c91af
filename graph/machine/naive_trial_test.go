package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

// trial is a machine beside the naive reading of its graph.
type trial struct {
	*rapid.T
	r    *rig
	want naive
	sent int

	held    []string          // tasks that wait for a word
	results map[string]result // what they come to
	worded  map[string]result // tasks that were given it
	over    int               // how many of them are over
	asks    bool              // tasks may ask
	ends    []string          // tasks that ended in this cycle
	cutOff  bool              // the last cycle was cancelled

	body journal.Body // of the last cycle that was foreseen

	cancelled int // how often
	looks     int // reads of the state that a Watch heard of
}

// send sends an event, some of them twice, to be applied by the next cycle.
func (t *trial) send() {
	e := sent{flag: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t.T, "event"), value: rapid.Bool().Draw(t.T, "payload")}
	payload := any(e.value)
	if t.want.g.HasEach() && randomgraph.Chance(t.T, "list", 2) {
		e = sent{flag: "xs", list: t.drawList()}
		all := []any{}
		for _, key := range e.list {
			all = append(all, key)
		}
		payload = all
	}
	if t.want.g.Queue > 0 && randomgraph.Chance(t.T, "queued", 2) {
		e.flag, e.list, payload = rapid.SampledFrom([]string{"q", "q", "r"}).Draw(t.T, "of"), nil, e.value
	}
	t.sent++
	e.number = t.sent
	t.want.accept(e)
	for range rapid.IntRange(1, 2).Draw(t.T, "times") {
		t.r.try(Event{At: t.r.clock, ID: fmt.Sprint(t.sent), Name: e.flag, Payload: payload})
		t.r.drain()
	}
	t.checkQueues()
}

// result draws what a run of a node comes to.
func (t *trial) result(asks bool) result {
	return result{ok: !randomgraph.Chance(t.T, "fails", 4), value: rapid.Bool().Draw(t.T, "value"), misses: rapid.IntRange(0, 3).Draw(t.T, "misses"), asks: asks}
}

// cycle goes through a cycle with results in any order, until its end or the
// stack's, which is sometimes cancelled.
func (t *trial) cycle() {
	results := map[string]result{}
	for _, n := range t.want.g.Nodes {
		t.drawResults(n, results)
	}
	t.want.begin()
	from := len(t.r.records)
	t.r.wake("early")
	t.r.drain()
	t.work(results, func(c journal.Cursor) bool { return c.Open && c.Finally == nil })
	ends := t.ends
	t.want.cycle(func(n string) result { return endsOf(n, results[n], ends) }, t.commits(from))
}

// work ends what runs, in any order.
func (t *trial) work(results map[string]result, goesOn func(journal.Cursor) bool) {
	r, missed := t.r, map[string]int{}
	for steps := 0; goesOn(r.m.Cursor()); steps++ {
		t.leave()
		if steps == 1000 {
			t.Fatalf("the cycle does not end:\n%s", t.want.g.YAML())
		}
		if len(r.tasks) == 0 {
			r.wake("") // the end of a backoff
			r.drain()
			continue
		}
		if n := t.tooMany(); n != "" {
			t.Fatalf("too many elements of %s run:\n%s", n, t.want.g.YAML())
		}
		switch {
		case randomgraph.Chance(t.T, "send", 12):
			t.send()
		case randomgraph.Chance(t.T, "cancel", rarely(t.want.g)):
			r.step(Cancel{At: r.clock, Reason: "enough"})
			r.drain()
			t.cancelled++
			return
		}
		names := make([]string, 0, len(r.tasks))
		for n := range r.tasks {
			names = append(names, n)
		}
		slices.Sort(names)
		if t.asks && len(t.open()) > 0 && randomgraph.Chance(t.T, "word", 6) {
			t.word()
			continue
		}
		n := rapid.SampledFrom(names).Draw(t.T, "next")
		if t.mind(n, results[n]) {
			continue
		}
		key, attempt := r.tasks[n].task.Key, r.tasks[n].task.Attempt
		if randomgraph.Chance(t.T, "starts", 3) {
			r.running(n)
			r.drain()
			if r.tasks[n] == nil || r.tasks[n].task.Attempt != attempt { // after a crash
				continue
			}
		}
		if missed[n]++; results[n].ok && missed[n] > results[n].misses {
			r.done(n, results[n].value)
		} else {
			r.fail(n, journal.Failure{Kind: "exit"})
		}
		t.ends = append(t.ends, n)
		r.drain()
		if randomgraph.Chance(t.T, "late", 4) {
			r.step(TaskDone{At: r.clock, Key: key, Attempt: attempt, Output: r.known(!results[n].value)})
			r.drain()
		}
	}
}

// commits lists the nodes that were committed one by one, and holds their order against
// that in which they ended.
func (t *trial) commits(from int) (order []string) {
	ends := t.ends
	t.ends = nil
	for k, rec := range t.r.records[from:] {
		if b, ok := rec.Body.(*journal.CycleStarted); ok && b.Finally && k > 0 {
			break
		}
		b, ok := rec.Body.(*journal.WaveCommitted)
		if !ok || b.Commit == 0 {
			continue
		}
		n := b.Settled[0]
		order = append(order, n.Node)
		if n.Status != "succeeded" && n.Status != "failed" {
			continue
		}
		k := slices.Index(ends, n.Node)
		if t.isEach(n.Node) {
			if k = lastOf(n.Node, ends); k < 0 { // it had no elements
				continue
			}
		}
		if k < 0 {
			t.Fatalf("%s is committed out of order; these ended: %v", n.Node, ends)
		}
		ends = ends[k+1:] // attempts that are followed by others stand before it
	}
	return order
}

// The machine decides what the naive reading decides, over several cycles, with
// results in any order, retries, late and double results, events and their
// repetitions, answers, and also when it crashes after any commit or is cancelled.
func TestAgainstNaive(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) { againstNaive(t, rt, false, seen) })
	t.Logf("compared: %v; backtests: %v", seen, &backtestSeen)
	if testing.Short() {
		return
	}
	for _, what := range []string{"graphs", "reads", "cancelled", "over", "once", "eager", "once and eager", "completed", "latched", "lost", "waiting", "unless_failed", "finally", "retried", "each", "until", "served"} {
		rare := what == "lost" || what == "until" || what == "served" || what == "once and eager"
		if seen[what] == 0 && (!rare || seen["graphs"] > 250) || what == "graphs" && (seen[what] < 50 || seen["cancelled"] > seen[what]/2) {
			t.Errorf("%s: too few for the test to mean anything", what)
		}
	}
}

// againstNaive compares one random stack.
func againstNaive(t *testing.T, rt *rapid.T, calm bool, seen map[string]int) {
	p := randomgraph.Draw(rt, calm)
	g, ok := tryCompile(p.YAML())
	for range 10 { // some have an else group that makes a loop, or a node that cannot run
		if ok {
			break
		}
		p = randomgraph.Draw(rt, calm)
		g, ok = tryCompile(p.YAML())
	}
	if !ok {
		return
	}
	seen["graphs"]++
	one := &trial{T: rt, r: newRig(t, g), results: map[string]result{}, worded: map[string]result{}, asks: true,
		want: naive{g: p, away: map[string]*result{}, latched: map[int]bool{}, why: map[string]string{}, queues: map[string][]sent{}, lists: map[string][]string{"told": {}, "xs": {"p", "q", "r"}}, state: map[string]bool{"a": false, "b": false, "c": false, "d": false}}}
	one.r.o.Snapshots = rapid.Bool().Draw(rt, "snapshots")
	if n := rapid.IntRange(0, 40).Draw(rt, "crash"); !calm && n > 30 {
		one.r.swapEvery = n - 30 // the machine is replaced, and nothing dies
		seen["replaced"]++
	} else if n > 0 {
		one.r.crashAt = n
	}
	one.r.queues = rapid.Bool().Draw(rt, "queues")
	if err := one.r.start(nil, nil); err != nil {
		rt.Fatal(err)
	}
	for again := 0; ; again++ {
		for k := 0; k < one.most() && one.goesOn(); k++ {
			if randomgraph.Chance(rt, "send", 3) {
				one.send()
			}
			if calm && randomgraph.Chance(rt, "restart", 8) {
				one.r.crash()
				seen["restarted"]++
			}
			for len(one.open()) > 0 && randomgraph.Chance(rt, "word", 2) {
				one.word()
			}
			one.cycle()
			one.countForeseen(seen)
		}
		if end := one.r.m.Cursor().Status; again == 2 || p.Last != nil || !end.Ended() || end == journal.Cancelled || !randomgraph.Chance(rt, "retry", 2) {
			break
		}
		one.retry()
		seen["retried"]++
	}
	cut := one.isCancelled()
	last := one.finally()
	got := told(one.r)
	one.replay()
	if !testing.Short() { // what looks back costs more than the rest
		one.lookBack()
		seen["reads"] += one.looks
		one.backtest()
	}
	if one.want.vague {
		seen["vague"]++
		return
	}
	one.count(seen)
	want := one.want.log
	if before := upToFinally(got); cut {
		want = want[:min(len(before), len(want))] // up to there
	}
	if want = append(want, last...); one.cutOff {
		want = want[:min(len(got), len(want))]
	}
	if d := cmp.Diff(want, got); d != "" {
		rt.Fatalf("%s\n(-naive +machine)\n%s\n%s", p.YAML(), d, strings.Join(got, "\n"))
	}
}

// retry lets a stack continue that has ended.
func (t *trial) retry() {
	t.want.reopen()
	t.held, t.results, t.worded = nil, map[string]result{}, map[string]result{}
	t.r.step(Reopen{At: t.r.clock})
	t.r.drain()
}

// most is in how many cycles a stack is to come to its end.
func (t *trial) most() int {
	if t.want.g.Once {
		return 3 * t.want.g.Cycles()
	}
	return t.want.g.Cycles()
}

// count notes what was met.
func (t *trial) count(seen map[string]int) {
	p, c := t.want.g, t.r.m.Cursor()
	for what, is := range map[string]bool{
		"finally":   p.Last != nil && slices.Contains(told(t.r), "finally"),
		"cancelled": c.Status == journal.Cancelled, "over": t.over > 0, "once": p.Once, "eager": p.Eager, "once and eager": p.Once && p.Eager,
		"each":      slices.ContainsFunc(t.want.log, func(l string) bool { return strings.Contains(l, "told = [\"") }),
		"until":     slices.ContainsFunc(t.want.log, func(l string) bool { return strings.Contains(l, " cancelled null") }),
		"served":    t.want.served > 0,
		"completed": c.Status == journal.Completed, "latched": len(t.want.latched) > 0,
		"lost": slices.ContainsFunc(t.want.log, func(l string) bool {
			return strings.HasSuffix(l, " cancelled") || strings.Contains(l, " skipped") && strings.HasPrefix(l, "commit")
		}),
		"waiting":       slices.ContainsFunc(t.want.log, func(l string) bool { return strings.HasSuffix(l, " waiting") }),
		"unless_failed": slices.ContainsFunc(p.Edges, func(e randomgraph.Edge) bool { return e.Outcome == "unless_failed" }),
	} {
		if is {
			seen[what]++
		}
	}
}

// replay decides the history again.
func (t *trial) replay() {
	again := t.r.replayer()
	m, differences, err := again.To(journal.Point{})
	if err != nil || len(differences) > 0 {
		t.Fatalf("%s\nreplay: %v %v", t.want.g.YAML(), err, differences)
	}
	if d := cmp.Diff(t.r.stateText(), stateOf(m)); d != "" {
		t.Fatalf("%s\nstate (-recorded +replayed)\n%s", t.want.g.YAML(), d)
	}
	if d := cmp.Diff(t.r.writersText(), value.String(m.writers.list)); d != "" {
		t.Fatalf("%s\nwriters (-recorded +replayed)\n%s", t.want.g.YAML(), d)
	}
}

// lookBack has the history explained, forks it at some moment, and goes to how some cycle
// began.
func (t *trial) lookBack() {
	_, t.looks = watched(t.T, t.r)
	cycles := t.r.m.Cursor().Cycle
	if cycles == 0 {
		return
	}
	forkAt(t.r.t, t.r, rapid.SampledFrom(t.r.moments()).Draw(t.T, "forked"))
	at := journal.Point{Cycle: rapid.Uint64Range(1, cycles).Draw(t.T, "at"), Start: true}
	m, _, err := t.r.replayer().To(at)
	if err != nil {
		t.Fatalf("%s\nreplay to %s: %v", t.want.g.YAML(), at, err)
	}
	if d := cmp.Diff(t.r.states[at], stateOf(m)); d != "" {
		t.Fatalf("%s\nstate at %s (-recorded +replayed)\n%s", t.want.g.YAML(), at, d)
	}
}

// told is the machine's history in the naive one's words.
func told(r *rig) (log []string) {
	settled, away, open := map[string]string{}, map[string]bool{}, map[string]bool{}
	for _, rec := range r.records {
		switch b := rec.Body.(type) {
		case *journal.CycleStarted:
			if b.Finally {
				log = append(saidEnd(log, r, b.Status), "finally")
			}
			for name := range settled {
				if !r.g.Once || open[name] || b.Finally {
					delete(settled, name)
				}
			}
			open = map[string]bool{}
		case *journal.NodeDecided:
			if b.Run {
				log = append(log, b.Node+" run")
			} else {
				log = append(log, b.Node+" "+b.Reason)
				settled[b.Node] = "skipped"
				if away[b.Node] {
					settled[b.Node] = "waiting"
				}
				open[b.Node] = b.Reason == "waiting"
			}
		case *journal.WaveStarted:
			switch {
			case !r.g.Eager:
				log = append(log, fmt.Sprintf("wave %d: %s", b.Wave, strings.Join(b.Nodes, " ")))
			case len(b.Nodes) > 0:
				log = append(log, "begin: "+strings.Join(b.Nodes, " "))
			}
		case *journal.WaveCommitted:
			for _, s := range b.Settled {
				settled[s.Node] = s.Status
				away[s.Node] = s.Status == "waiting"
				open[s.Node] = s.Status == "waiting"
				if b.Commit > 0 {
					log = append(log, fmt.Sprintf("commit %d: %s %s", b.Commit, s.Node, s.Status))
				}
			}
		case *journal.CycleFinished:
			state := map[string]bool{}
			for _, k := range []string{"a", "b", "c", "d"} {
				state[k] = strings.Contains(r.states[journal.Point{Cycle: rec.Cycle}], k+" = true")
			}
			lists := listsText(r.states[journal.Point{Cycle: rec.Cycle}])
			switch {
			case slices.Contains(log, "finally"):
				log = append(log, fmt.Sprintf("last: failed=%t %v %v", b.Failed, settled, state))
			case r.g.Once:
				log = append(log, fmt.Sprintf("end: %v %v%s", settled, state, lists))
			default:
				log = append(log, fmt.Sprintf("end: failed=%t pause=%s %v %v%s", b.Failed, b.Pause, settled, state, lists))
			}
		case *journal.StackReopened:
			clear(away)
		case *journal.StackFinished:
			if !slices.Contains(log, "finally") {
				log = saidEnd(log, r, b.Status)
			}
		}
	}
	return log
}

// saidEnd says how a pass ended by itself.
func saidEnd(log []string, r *rig, s journal.Status) []string {
	if r.g.Once && s != journal.Cancelled {
		log = append(log, "stack "+string(s))
	}
	return log
}
