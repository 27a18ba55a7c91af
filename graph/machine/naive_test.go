package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/journal"
)

// What follows reads SPEC section 2.3 as plainly as it can: names and maps, no
// indices, no counters, everything looked at again until nothing changes.

type plainEdge struct {
	id                   int
	from, to             string // from "" is the start
	outcome, when        string
	after, isElse, again bool // again: next_cycle
}

type plainNode struct {
	name, join string
	n          int // of at_least
	writes     string
	attempts   int
}

type plainGraph struct {
	nodes []plainNode
	edges []plainEdge
}

// result is what a run of a node comes to: so many attempts fail before the one
// that may succeed.
type result struct {
	ok, value bool
	misses    int
}

func (r result) of(n plainNode) bool { return r.ok && r.misses < n.attempts }

// sent is an event that sets a flag.
type sent struct {
	flag  string
	value bool
}

// naiveCycles is after how many cycles a stack ends.
const naiveCycles = 4

// naive is one stack.
type naive struct {
	g        plainGraph
	state    map[string]bool
	last     map[string]string // how nodes settled in the cycle before
	settled  map[string]string
	shown    map[string]string // statuses at the last commit
	verdicts map[int]string    // live, dead, error
	failed   bool
	cycles   int
	owed     map[string]bool // failures that the next cycle is to take
	inbox    []sent
	log      []string
}

func (s *naive) cycle(results func(node string) result) {
	s.settled, s.shown, s.verdicts = map[string]string{}, map[string]string{}, map[int]string{}
	s.failed = false
	for _, e := range s.inbox {
		s.state[e.flag] = e.value
	}
	s.inbox = nil
	done := map[string]bool{}
	for wave := 1; ; wave++ {
		run := s.moment(done)
		if len(run) == 0 {
			break
		}
		s.log = append(s.log, fmt.Sprintf("wave %d: %s", wave, strings.Join(run, " ")))
		for _, name := range run {
			r := results(name)
			s.settled[name] = "failed"
			if r.of(s.node(name)) {
				s.settled[name] = "succeeded"
				if w := s.node(name).writes; w != "" {
					s.state[w] = r.value
				}
			}
		}
		s.shown = map[string]string{}
		for k, v := range s.settled {
			s.shown[k] = v
		}
	}
	s.cycles++
	for name := range s.owed {
		if !s.takenBy(name, true) {
			s.failed = true
		}
	}
	s.owed = map[string]bool{}
	for name, status := range s.settled {
		switch {
		case status != "failed" || s.takenBy(name, false):
		case s.cycles < naiveCycles && s.mayTake(name):
			s.owed[name] = true
		default:
			s.failed = true
		}
	}
	s.last = s.settled
	s.log = append(s.log, fmt.Sprintf("end: failed=%t %v %v", s.failed, s.settled, s.state))
}

// moment takes all decisions between two commits; skips come out as "skipped"
// in settled, and the nodes to run are given.
func (s *naive) moment(done map[string]bool) []string {
	text := map[string]string{}
	ahead := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, n := range s.g.nodes {
			if done[n.name] || ahead[n.name] {
				continue
			}
			if s.open(n.name) == 0 {
				text[n.name] = s.decide(n)
				done[n.name], changed = true, true
			} else if n.join == "first" && s.anyLive(n) {
				ahead[n.name], changed = true, true
			}
		}
	}
	for _, n := range s.g.nodes {
		if ahead[n.name] && !done[n.name] {
			text[n.name] = s.decide(n)
			done[n.name] = true
		}
	}
	var run []string
	for _, n := range s.g.nodes {
		if t, ok := text[n.name]; ok {
			s.log = append(s.log, n.name+" "+t)
			if t == "run" {
				run = append(run, n.name)
			}
		}
	}
	return run
}

// open counts the sources that the node waits for.
func (s *naive) open(name string) (n int) {
	for _, e := range s.in(name) {
		if !s.ready(e) {
			n++
		}
	}
	return n
}

// ready: the edge can be judged. An else edge needs what its siblings' targets
// need, else edges of theirs included.
func (s *naive) ready(e plainEdge) bool { return s.known(e, map[int]bool{}) }

func (s *naive) known(e plainEdge, looked map[int]bool) bool {
	if looked[e.id] {
		return true
	}
	looked[e.id] = true
	if !e.again && e.from != "" && s.settled[e.from] == "" {
		return false
	}
	if e.isElse {
		for _, sib := range s.siblings(e) {
			for _, x := range s.in(sib.to) {
				if !s.known(x, looked) {
					return false
				}
			}
		}
	}
	return true
}

func (s *naive) decide(n plainNode) string {
	counted, live := 0, 0
	fault, upstream := false, false
	for _, e := range s.in(n.name) {
		if e.after && e.when == "" || !s.ready(e) {
			continue
		}
		counted++
		switch s.verdict(e) {
		case "live":
			live++
		case "error":
			fault, s.failed = true, true
		}
		status := s.settled[e.from]
		if e.again {
			status = s.last[e.from]
		}
		if s.verdict(e) != "live" && !e.after && status == "failed" && e.outcome == "success" {
			upstream = true
		}
	}
	runs := live > 0
	switch n.join {
	case "all":
		runs = live == counted
	case "none":
		runs = live == 0
	case "at_least":
		runs = live >= n.n
	}
	switch {
	case runs || counted == 0:
		return "run"
	case fault:
		n.join = "condition-error"
	case upstream:
		n.join = "upstream-failed"
	default:
		n.join = "no-live-edge"
	}
	s.settled[n.name] = "skipped"
	return n.join
}

func (s *naive) anyLive(n plainNode) (any bool) {
	for _, e := range s.in(n.name) {
		if (!e.after || e.when != "") && s.ready(e) && s.verdict(e) == "live" {
			any = true
		}
	}
	return any
}

func (s *naive) verdict(e plainEdge) string {
	v, ok := s.verdicts[e.id]
	if !ok {
		v = s.judge(e)
		s.verdicts[e.id] = v
	}
	return v
}

func (s *naive) judge(e plainEdge) string {
	status := s.settled[e.from]
	if e.again {
		status = s.last[e.from]
	}
	ok := e.from == "" || e.after ||
		e.outcome == "success" && status == "succeeded" ||
		e.outcome == "failure" && status == "failed" ||
		e.outcome == "always" && (status == "failed" || status == "succeeded")
	if !ok {
		return "dead"
	}
	if e.isElse {
		out := "live"
		for _, sib := range s.siblings(e) {
			switch v := s.verdict(sib); {
			case v == "error":
				return "error"
			case v == "live":
				out = "dead"
			}
		}
		return out
	}
	return s.holds(e)
}

func (s *naive) holds(e plainEdge) string {
	when := e.when
	word := func(b bool) string {
		if b {
			return "live"
		}
		return "dead"
	}
	f := strings.Fields(strings.NewReplacer("state.", "", "nodes.", "", ".status", "", `"`, "").Replace(when))
	switch {
	case when == "":
		return "live"
	case len(f) == 1:
		return word(s.state[f[0]])
	case f[0] == "not":
		return word(!s.state[f[1]])
	case f[1] == "||":
		return word(s.state[f[0]] || s.state[f[2]])
	case f[1] == "&&": // … && state.list[9] == 1
		if s.state[f[0]] {
			return "error"
		}
		return "dead"
	}
	status := s.shown[f[0]]
	if !e.again && e.from != "" && s.before(f[0], e.from) && s.settled[f[0]] != "" {
		status = s.settled[f[0]] // also when it was skipped just now
	}
	if status == "" {
		status = "pending"
	}
	return word(status == f[2])
}

// before: a is b, or has to settle before b can.
func (s *naive) before(a, b string) bool {
	seen := map[string]bool{}
	var look func(string) bool
	look = func(b string) bool {
		if a == b {
			return true
		}
		if seen[b] || s.node(b).join == "first" {
			return false
		}
		seen[b] = true
		return slices.ContainsFunc(s.waits(b, map[int]bool{}), look)
	}
	return look(b)
}

// waits lists the sources that a node waits for.
func (s *naive) waits(name string, looked map[int]bool) (all []string) {
	for _, e := range s.in(name) {
		if looked[e.id] || e.again {
			continue
		}
		looked[e.id] = true
		if e.from != "" {
			all = append(all, e.from)
		}
		if e.isElse {
			for _, sib := range s.siblings(e) {
				all = append(all, s.waits(sib.to, looked)...)
			}
		}
	}
	return all
}

// takenBy: a node ran because of the failure, in its cycle or the next one.
func (s *naive) takenBy(name string, again bool) bool {
	for _, e := range s.g.edges {
		if e.from == name && !e.after && e.outcome != "success" && e.again == again &&
			s.verdicts[e.id] == "live" && s.settled[e.to] != "skipped" {
			return true
		}
	}
	return false
}

// mayTake: a node may run because of the failure in the next cycle.
func (s *naive) mayTake(name string) bool {
	return slices.ContainsFunc(s.g.edges, func(e plainEdge) bool { return e.from == name && e.again && e.outcome != "success" })
}

func (s *naive) in(name string) (in []plainEdge) {
	for _, e := range s.g.edges {
		if e.to == name {
			in = append(in, e)
		}
	}
	return in
}

func (s *naive) siblings(e plainEdge) (all []plainEdge) {
	for _, x := range s.g.edges {
		if x.from == e.from && x.outcome == e.outcome && x.when != "" && !x.after && !x.again {
			all = append(all, x)
		}
	}
	return all
}

func (s *naive) node(name string) plainNode {
	return s.g.nodes[slices.IndexFunc(s.g.nodes, func(n plainNode) bool { return n.name == name })]
}

// trial is a machine beside the naive reading of its graph.
type trial struct {
	*rapid.T
	r    *rig
	want naive
	sent int
}

// send sends an event, some of them twice, to be applied by the next cycle.
func (t *trial) send() {
	e := sent{rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t.T, "event"), rapid.Bool().Draw(t.T, "payload")}
	t.want.inbox = append(t.want.inbox, e)
	t.sent++
	for range rapid.IntRange(1, 2).Draw(t.T, "times") {
		t.r.try(Event{At: t.r.clock, ID: fmt.Sprint(t.sent), Name: e.flag, Payload: e.value})
		t.r.drain()
	}
}

// cycle goes through a cycle with results in any order, until its end or the
// stack's, which is sometimes cancelled.
func (t *trial) cycle() {
	results, missed := map[string]result{}, map[string]int{}
	for _, n := range t.want.g.nodes {
		results[n.name] = result{!chance(t.T, "fails", 4), rapid.Bool().Draw(t.T, "value"), rapid.IntRange(0, 3).Draw(t.T, "misses")}
	}
	t.want.cycle(func(n string) result { return results[n] })
	r := t.r
	r.wake("early")
	r.drain()
	for steps := 0; r.m.Cursor().Open; steps++ {
		if steps == 1000 {
			t.Fatalf("the cycle does not end:\n%s", t.want.g.yaml())
		}
		if len(r.tasks) == 0 {
			r.wake("") // the end of a backoff
			r.drain()
			continue
		}
		switch {
		case chance(t.T, "send", 12):
			t.send()
		case chance(t.T, "cancel", 60):
			r.step(Cancel{At: r.clock, Reason: "enough"})
			r.drain()
			return
		}
		names := make([]string, 0, len(r.tasks))
		for n := range r.tasks {
			names = append(names, n)
		}
		slices.Sort(names)
		n := rapid.SampledFrom(names).Draw(t.T, "next")
		key, attempt := r.tasks[n].task.Key, r.tasks[n].task.Attempt
		if missed[n]++; results[n].ok && missed[n] > results[n].misses {
			r.done(n, results[n].value)
		} else {
			r.fail(n, journal.Failure{Kind: "exit"})
		}
		r.drain()
		if chance(t.T, "late", 4) {
			r.step(TaskDone{At: r.clock, Key: key, Attempt: attempt, Output: r.known(!results[n].value)})
			r.drain()
		}
	}
}

// The machine decides what the naive reading decides, over several cycles, with
// results in any order, retries, late and double results, events and their
// repetitions, and also when it crashes after any commit or is cancelled.
func TestAgainstNaive(t *testing.T) {
	t.Parallel()
	compiled, cancelled := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := draw(rt)
		g, ok := tryCompile(p.yaml())
		for range 10 { // some have an else group that makes a loop, or a node that cannot run
			if ok {
				break
			}
			p = draw(rt)
			g, ok = tryCompile(p.yaml())
		}
		if !ok {
			return
		}
		compiled++
		one := &trial{T: rt, r: newRig(t, g), want: naive{g: p, state: map[string]bool{"a": false, "b": false, "c": false, "d": false}}}
		if n := rapid.IntRange(0, 40).Draw(rt, "crash"); n > 0 {
			one.r.crashAt = n
		}
		if err := one.r.start(nil, nil); err != nil {
			rt.Fatal(err)
		}
		for k := 0; k < 4 && !one.r.m.Cursor().Status.Ended(); k++ {
			if chance(rt, "send", 3) {
				one.send()
			}
			one.cycle()
		}
		got, want := told(one.r), one.want.log
		if one.r.m.Cursor().Status == journal.Cancelled {
			cancelled++
			want = want[:min(len(got), len(want))] // up to there
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("%s\n(-naive +machine)\n%s", p.yaml(), d)
		}
	})
	t.Logf("%d graphs compared, %d cancelled", compiled, cancelled)
	if !testing.Short() && (compiled < 50 || cancelled == 0 || cancelled > compiled/2) {
		t.Error("too few for the test to mean anything")
	}
}

// told is the machine's history in the naive one's words.
func told(r *rig) (log []string) {
	settled := map[string]string{}
	for _, rec := range r.records {
		switch b := rec.Body.(type) {
		case *journal.CycleStarted:
			settled = map[string]string{}
		case *journal.NodeDecided:
			if b.Run {
				log = append(log, b.Node+" run")
			} else {
				log = append(log, b.Node+" "+b.Reason)
				settled[b.Node] = "skipped"
			}
		case *journal.WaveStarted:
			log = append(log, fmt.Sprintf("wave %d: %s", b.Wave, strings.Join(b.Nodes, " ")))
		case *journal.WaveCommitted:
			for _, s := range b.Settled {
				settled[s.Node] = s.Status
			}
		case *journal.CycleFinished:
			state := map[string]bool{}
			for _, k := range []string{"a", "b", "c", "d"} {
				state[k] = strings.Contains(r.states[journal.Point{Cycle: rec.Cycle}], k+" = true")
			}
			log = append(log, fmt.Sprintf("end: failed=%t %v %v", b.Failed, settled, state))
		}
	}
	return log
}
