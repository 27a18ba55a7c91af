package machine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/internal/randomgraph"
)

// What follows reads the rules of docs/semantics.md as plainly as it can: names and maps,
// no indices, no counters, everything looked at again until nothing changes.

// result is what a run of a node comes to: so many attempts fail before the one
// that may succeed.
type result struct {
	ok, value bool
	misses    int
	asks      bool              // its first attempt waits for a word, and the next one comes to the result
	lost      bool              // it waited, and a `join: first` node has cancelled it
	each      map[string]result // of elements, by key
	ends      []string          // of their attempts, by key
}

func (r result) of(n randomgraph.Node) bool { return r.ok && r.misses < n.Attempts }

// sent is an event that sets a flag.
type sent struct {
	flag   string
	value  bool
	list   []string // of `xs`
	number int      // which of all that were sent
}

// naive is one stack.
type naive struct {
	g        randomgraph.Graph
	state    map[string]bool
	last     map[string]string // how nodes settled in the cycle before
	settled  map[string]string
	unknown  map[string]bool   // skipped nodes that what waits may still make run
	cause    map[string]string // what a skip goes back to: failure, waiting or ""
	was      map[string]string // cause of the cycle before
	shown    map[string]string // statuses at the last commit
	past     map[string]string // of the last cycle: what a pass has come to
	verdicts map[int]string    // live, dead, error
	latched  map[int]bool      // edges that stay live
	liveAt   map[string][]int  // edges that were live when a node was decided
	ran      map[string]bool   // was decided to run, in this cycle or in the pass
	begun    map[string]bool   // began to run, in an earlier moment of this cycle
	lost     map[string]bool   // what runs and was cancelled by a `join: first` node
	done     map[string]bool   // decided, or not to be decided in this cycle
	why      map[string]string // the decision that a node got last
	dropped  map[string]bool   // skipped by a `join: first` node before it was decided
	vague    bool              // some status is seen or not, depending on the order within a moment
	failed   bool
	fault    bool // some condition of the pass has failed
	active   bool
	cycles   int
	number   int             // of the cycle
	failures int             // failed cycles in a row
	idle     int             // idle ones
	owed     map[string]bool // failures that the next cycle is to take
	inbox    []sent
	away     map[string]*result // nodes that wait, nil, or are over, until a cycle begins
	outside  map[string]bool    // nodes that wait at this moment
	log      []string

	lists                  map[string][]string
	queues                 map[string][]sent
	served                 int                  // waits that took a queued payload
	elements, lastElements map[string][]element // of nodes that have run
	sawA                   map[string]bool      // the state that those saw
}

// begin begins a cycle: with what came in, and under `once` with what has settled for good.
func (s *naive) begin() {
	s.number++
	kept, causes := map[string]string{}, map[string]string{}
	for name, status := range s.settled {
		if s.g.Once && status != "waiting" && !s.unknown[name] {
			kept[name], causes[name] = status, s.cause[name]
		}
	}
	verdicts := map[int]string{}
	for _, e := range s.g.Edges {
		if v, ok := s.verdicts[e.ID]; ok && s.g.Once && (e.From == "" || kept[e.From] != "") {
			verdicts[e.ID] = v
		}
	}
	elements := map[string][]element{}
	for name := range kept {
		elements[name] = s.elements[name]
	}
	s.elements, s.lastElements, s.sawA = elements, s.elements, map[string]bool{}
	s.settled, s.shown, s.verdicts, s.was = kept, map[string]string{}, verdicts, s.cause
	s.failed, s.active, s.unknown, s.cause = false, false, map[string]bool{}, causes
	for name := range s.liveAt {
		if !s.ran[name] { // it is decided again
			delete(s.liveAt, name)
		}
	}
	s.lost, s.done = map[string]bool{}, map[string]bool{}
	s.dropped, s.begun = map[string]bool{}, map[string]bool{}
	if !s.g.Once || s.ran == nil {
		s.ran, s.liveAt = map[string]bool{}, map[string][]int{}
	}
	for name, status := range kept {
		s.done[name], s.shown[name] = true, status
	}
	applied := s.inbox
	for _, e := range applied {
		if e.flag == "xs" {
			s.lists["xs"] = e.list
			continue
		}
		s.state[e.flag] = e.value
	}
	s.inbox = nil
	s.takeIn(applied)
}

// cycle goes through a cycle that has begun. order is how nodes ended, under waves: eager.
func (s *naive) cycle(results func(node string) result, order []string) {
	running := map[string]bool{}
	commits := 0
	for wave := 1; ; wave++ {
		run := s.moment()
		s.active = s.active || len(run) > 0
		for _, name := range run {
			running[name] = true
		}
		switch {
		case !s.g.Eager && len(run) > 0:
			s.log = append(s.log, fmt.Sprintf("wave %d: %s", wave, strings.Join(run, " ")))
		case len(run) > 0:
			s.log = append(s.log, "begin: "+strings.Join(run, " "))
		}
		if len(running) == 0 {
			break
		}
		if s.g.Eager {
			if len(order) == 0 { // the stack was cancelled
				return
			}
			run, order = order[:1], order[1:]
			commits++
		}
		for _, name := range run {
			if !running[name] {
				s.log = append(s.log, name+" does not run")
			}
			delete(running, name)
			s.end(name, results(name))
			if s.g.Eager {
				s.log = append(s.log, fmt.Sprintf("commit %d: %s %s", commits, name, s.settled[name]))
			}
		}
		s.shown = map[string]string{}
		for k, v := range s.settled {
			s.shown[k] = v
		}
	}
	s.finish()
}

// end settles a node that ran.
func (s *naive) end(name string, r result) {
	n := s.node(name)
	switch {
	case s.lost[name]:
		s.settled[name] = "skipped"
		s.cause[name] = s.causeOf(n, "cancelled")
	case n.Waits || r.asks:
		s.settled[name], s.outside[name] = "waiting", true
		if s.away[name] == nil { // else it has ended already, and the next cycle applies that
			s.away[name] = nil
		}
	case n.Each != nil:
		s.endEach(n, r)
	case !r.of(n):
		s.settled[name] = "failed"
	default:
		s.settled[name] = "succeeded"
		if n.Writes != "" {
			s.state[n.Writes] = r.value
		}
	}
}

// finish ends the cycle.
func (s *naive) finish() {
	s.cycles++
	s.fault = s.fault || s.failed
	for name := range s.owed {
		if !s.takenBy(name, true) {
			s.failed = true
		}
	}
	s.owed = map[string]bool{}
	for name, status := range s.settled {
		switch {
		case status != "failed" || s.takenBy(name, false):
		case !s.g.Once && s.cycles < s.g.Cycles() && s.mayTake(name):
			s.owed[name] = true
		default:
			s.failed = true
		}
	}
	s.noteLatches()
	s.last = s.settled
	if s.g.Ends != "" {
		s.log = append(s.log, fmt.Sprintf("last: failed=%t %v %v", s.failed, s.settled, s.state))
		return
	}
	if s.g.Once {
		s.log = append(s.log, fmt.Sprintf("end: %v %v%s", s.settled, s.state, s.listsText()))
		if len(s.away) == 0 {
			s.log = append(s.log, "stack "+map[bool]string{false: "completed", true: "failed"}[s.failed || s.fault])
		}
		return
	}
	s.log = append(s.log, fmt.Sprintf("end: failed=%t pause=%s %v %v%s", s.failed, s.rests(), s.settled, s.state, s.listsText()))
}

// noteLatches remembers which edges stay live.
func (s *naive) noteLatches() {
	for _, n := range s.g.Nodes {
		for _, e := range s.in(n.Name) {
			if !n.Latch || s.ran[n.Name] {
				delete(s.latched, e.ID)
			} else if slices.Contains(s.liveAt[n.Name], e.ID) {
				s.latched[e.ID] = true
			}
		}
	}
}

// moment takes all decisions between two commits; skips come out as "skipped"
// in settled, and the nodes to run are given.
func (s *naive) moment() []string {
	text := map[string]string{}
	for name, status := range s.settled { // since an earlier cycle
		if status == "waiting" && !s.done[name] {
			text[name], s.done[name] = "waiting", true
		}
	}
	for changed := true; changed; {
		changed = false
		ahead := map[string]bool{}
		for more := true; more; {
			more = false
			for _, n := range s.g.Nodes {
				if s.done[n.Name] || ahead[n.Name] {
					continue
				}
				if s.open(n.Name) == 0 {
					text[n.Name] = s.decide(n)
					s.done[n.Name], more = true, true
				} else if n.Join == "first" && s.anyLive(n) {
					ahead[n.Name], more = true, true
				}
			}
		}
		for _, n := range s.g.Nodes {
			if ahead[n.Name] && !s.done[n.Name] {
				text[n.Name], changed = s.decide(n), true
				s.done[n.Name] = true
				s.skipLosers(n, text)
			}
		}
	}
	var run []string
	for _, n := range s.g.Nodes {
		if t, ok := text[n.Name]; ok {
			s.log = append(s.log, n.Name+" "+t)
			s.why[n.Name] = t
			if t == "run" {
				run = append(run, n.Name)
				s.ran[n.Name] = true
				s.decideEach(n)
			}
		}
	}
	for _, name := range run {
		s.loseOthers(s.node(name))
	}
	for _, name := range run {
		s.begun[name] = true
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
func (s *naive) ready(e randomgraph.Edge) bool { return s.known(e, map[int]bool{}) }

func (s *naive) known(e randomgraph.Edge, looked map[int]bool) bool {
	if looked[e.ID] {
		return true
	}
	looked[e.ID] = true
	if !e.Again && e.From != "" && s.settled[e.From] == "" {
		return false
	}
	if e.Else {
		for _, sib := range s.siblings(e) {
			for _, x := range s.in(sib.To) {
				if !s.known(x, looked) {
					return false
				}
			}
		}
	}
	return true
}

func (s *naive) decide(n randomgraph.Node) string {
	counted, live := 0, 0
	fault, upstream, waits, unknown, behind := false, false, false, 0, false
	for _, e := range s.in(n.Name) {
		behind = behind || s.g.Once && e.After && s.isOpen(e.From)
		if e.After && e.When == "" || !s.ready(e) {
			continue
		}
		counted++
		switch s.seen(e) {
		case "live":
			live++
			s.liveAt[n.Name] = append(s.liveAt[n.Name], e.ID)
			continue
		case "error":
			fault, s.failed, s.active = true, true, true
		}
		if e.After {
			continue
		}
		status, cause := s.settled[e.From], s.cause[e.From]
		if e.Again && s.g.Once { // never live, whatever the source does
			continue
		}
		if e.Again {
			status, cause = s.last[e.From], s.was[e.From]
		}
		if e.Outcome == "unless_failed" && status == "skipped" && cause != "" {
			upstream = upstream || cause == "failure"
			waits = waits || cause == "waiting" && !s.g.Once
		}
		upstream = upstream || status == "failed" && (e.Outcome == "success" || e.Outcome == "unless_failed")
		waits = waits || status == "waiting" && !s.g.Once
		if s.isOpen(e.From) && !e.Again || e.Again && status == "waiting" {
			unknown++
		}
	}
	runs, mayRun := live > 0, live+unknown > 0
	switch n.Join {
	case "all":
		runs, mayRun = live == counted, live+unknown == counted
	case "none":
		runs, mayRun = live == 0, live == 0
	case "at_least":
		runs, mayRun = live >= n.N, live+unknown >= n.N
	}
	runs = runs || counted == 0
	held := n.Join == "none" && runs && unknown > 0
	if s.g.Once {
		held = held || !runs && unknown > 0 || behind && !(n.Join == "first" && live > 0)
	}
	reason := "no-live-edge"
	switch {
	case held:
		reason = "waiting"
	case runs:
		return "run"
	case fault:
		reason = "condition-error"
	case upstream:
		reason = "upstream-failed"
	case waits:
		reason = "waiting"
	}
	s.settled[n.Name] = "skipped"
	s.unknown[n.Name] = reason == "waiting" || unknown > 0 && mayRun && len(s.outside) > 0
	s.cause[n.Name] = s.causeOf(n, reason)
	return reason
}

func (s *naive) anyLive(n randomgraph.Node) (any bool) {
	for _, e := range s.in(n.Name) {
		if (!e.After || e.When != "") && s.ready(e) && s.seen(e) == "live" {
			any = true
		}
	}
	return any
}

func (s *naive) verdict(e randomgraph.Edge) string {
	v, ok := s.verdicts[e.ID]
	if !ok {
		v = s.judge(e)
		s.verdicts[e.ID] = v
	}
	return v
}

func (s *naive) judge(e randomgraph.Edge) string {
	status := s.settled[e.From]
	if e.Again {
		status = s.last[e.From]
	}
	if s.g.Once && (e.Again || s.isOpen(e.From)) {
		return "dead"
	}
	cause := s.cause[e.From]
	if e.Again {
		cause = s.was[e.From]
	}
	ok := e.From == "" || e.After ||
		e.Outcome == "success" && status == "succeeded" ||
		e.Outcome == "failure" && status == "failed" ||
		e.Outcome == "unless_failed" && (status == "succeeded" || status == "skipped" && cause == "") ||
		e.Outcome == "always" && (status == "failed" || status == "succeeded")
	if !ok {
		return "dead"
	}
	if e.Else {
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

func (s *naive) holds(e randomgraph.Edge) string {
	when := e.When
	if strings.Contains(when, "results") {
		return s.overResults(when, s.elementsOver(e), false)
	}
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
	if f[0] == "cycle.number" {
		return word(s.number > 4)
	}
	if f[0] == "stack" {
		return word(s.g.Ends == f[2])
	}
	status := s.shown[f[0]]
	if !e.Again && e.From != "" && s.before(f[0], e.From) && s.settled[f[0]] != "" {
		// The source has settled before, and what comes before it settles again just now.
		s.vague = s.vague || s.shown[f[0]] == "" && (s.shown[e.From] != "" || s.dropped[e.From])
		status = s.settled[f[0]] // also when it was skipped just now
	}
	if status == "" {
		status = "pending"
		if is, ok := s.past[f[0]]; ok {
			status = is
		}
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
		if seen[b] || s.node(b).Join == "first" {
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
		if looked[e.ID] || e.Again {
			continue
		}
		looked[e.ID] = true
		if e.From != "" {
			all = append(all, e.From)
		}
		if e.Else {
			for _, sib := range s.siblings(e) {
				all = append(all, s.waits(sib.To, looked)...)
			}
		}
	}
	return all
}

// takenBy: a node ran because of the failure, in its cycle or the next one.
func (s *naive) takenBy(name string, again bool) bool {
	for _, e := range s.g.Edges {
		if e.From == name && !e.After && takes(e) && e.Again == again && s.ran[e.To] && slices.Contains(s.liveAt[e.To], e.ID) {
			return true
		}
	}
	return false
}

func (s *naive) in(name string) (in []randomgraph.Edge) {
	for _, e := range s.g.Edges {
		if e.To == name {
			in = append(in, e)
		}
	}
	return in
}

func (s *naive) siblings(e randomgraph.Edge) (all []randomgraph.Edge) {
	for _, x := range s.g.Edges {
		if x.From == e.From && x.Outcome == e.Outcome && x.When != "" && !x.After && !x.Again {
			all = append(all, x)
		}
	}
	return all
}

func (s *naive) node(name string) randomgraph.Node {
	return s.g.Nodes[slices.IndexFunc(s.g.Nodes, func(n randomgraph.Node) bool { return n.Name == name })]
}
