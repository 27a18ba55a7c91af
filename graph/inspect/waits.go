package inspect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// maxWaits is how many waits of a stack or a node are named. The last one says how many
// there are beyond them.
const maxWaits = 100

// waits says what a stack and its nodes wait for at this moment.
type waits struct {
	x  *explaining
	g  *graph.Graph
	m  *machine.Machine
	of map[string][]TaskStatus // tasks by node; nil if it is not about this moment
}

func (w *waits) begin() {
	c := &w.x.sum.Cursor
	live := w.x.o.Live
	tasks := []TaskStatus(nil)
	if live != nil {
		tasks = live.Tasks
	}
	if tasks == nil {
		tasks = w.x.tasks.List(c, w.driven())
	}
	w.of = map[string][]TaskStatus{}
	for _, t := range tasks {
		w.of[t.Node] = append(w.of[t.Node], t)
	}
}

func (w *waits) driven() bool { return w.x.o.Live != nil && w.x.o.Live.Driven }

// stack lists what the stack as a whole waits for.
func (w *waits) stack() []Wait {
	c, all := &w.x.sum.Cursor, []Wait{}
	if c.Status == journal.Paused {
		all = append(all, w.paused())
	}
	if live := w.x.o.Live; live != nil && len(live.WaitsFor) > 0 {
		all = append(all, Wait{For: WaitsForFleet, Stacks: live.WaitsFor, Text: w.x.sum.Identity.Stack + " waits in lockstep for " + strings.Join(live.WaitsFor, ", ")})
	}
	for i := range w.g.Nodes {
		all = append(all, w.tasks(i)...)
	}
	if !c.Open && c.Status == journal.Running {
		all = append(all, w.nextCycle())
	}
	all = bounded(all)
	if !w.driven() {
		all = append(all, w.owner())
	}
	return all
}

func (w *waits) paused() Wait {
	return Wait{For: WaitsForResume, Text: fmt.Sprintf("%[1]s is paused: `%[2]s resume %[1]s` continues it", w.x.sum.Identity.Stack, w.x.o.program())}
}

func (w *waits) owner() Wait {
	return Wait{For: WaitsForOwner, Text: "nobody runs the stack: " + w.x.o.runner() + " does"}
}

func (w *waits) nextCycle() Wait {
	one := w.pause("the next cycle begins")
	one.Text = strings.Replace(one.Text, ",", "", 1)
	return one
}

// pause is what stands between the present moment and the next cycle.
func (w *waits) pause(what string) Wait {
	c := &w.x.sum.Cursor
	if c.WakeAt.IsZero() {
		if before, ok := strings.CutSuffix(what, "when the next cycle begins"); ok {
			what = before + "in the next cycle, which begins"
		}
		return Wait{For: WaitsForEvent, Text: what + " when an event or an answer comes"}
	}
	return Wait{For: WaitsForPause, Until: c.WakeAt, Text: what + ", " + w.in(c.WakeAt)}
}

// node says how a node stands at this moment, and what it waits for.
func (w *waits) node(i int, n *ExplainedNode) {
	c := &w.x.sum.Cursor
	n.Waits = bounded(w.tasks(i))
	if s := w.standing(n.Node); s != "" && (n.Status == "pending" || n.Status == "waiting" && s == TaskWaiting) {
		n.Status = string(s)
	}
	switch {
	case len(n.Waits) > 0:
	case n.Run != nil && *n.Run && n.Status == "pending" && c.Open:
		n.Status = string(TaskRunning)
		n.Waits = w.barrier(n)
	case n.Run == nil && n.Final && c.Finally == nil:
		n.Waits = append(n.Waits, Wait{For: WaitsForRun, Node: n.Node, Text: n.Node + " runs when the stack ends"})
	case c.Status == journal.Paused && (n.Run == nil || !c.Open):
		n.Waits = append(n.Waits, w.paused())
	case n.Run == nil && c.Open:
		for _, s := range w.m.Awaits(i) {
			id := w.g.Nodes[s].ID
			n.Waits = append(n.Waits, Wait{For: WaitsForNode, Node: id, Text: n.Node + " waits for " + id})
		}
		n.Waits = bounded(n.Waits)
	case !c.Open && c.Cycle == 0:
		n.Waits = append(n.Waits, w.pause(n.Node+" is decided when the first cycle begins"))
	case !c.Open && !w.settledForGood(n):
		n.Waits = append(n.Waits, w.pause(n.Node+" is decided again when the next cycle begins"))
	}
	if !w.driven() && slices.ContainsFunc(n.Waits, func(o Wait) bool { return o.For == WaitsForRun && o.Node == n.Node && !n.Final }) {
		n.Waits = append(n.Waits, w.owner())
	}
}

// barrier is what a node waits for whose tasks are over: the others of its wave.
func (w *waits) barrier(n *ExplainedNode) (all []Wait) {
	for i := range w.g.Nodes {
		id := w.g.Nodes[i].ID
		if slices.ContainsFunc(w.of[id], func(t TaskStatus) bool { return t.State != TaskOver && t.Cycle == w.x.cycle && t.Wave == n.Wave }) {
			all = append(all, Wait{For: WaitsForNode, Node: id, Text: n.Node + " has ended, and its wave waits for " + id})
		}
	}
	return bounded(all)
}

// settledForGood reports that no later cycle decides a node again.
func (w *waits) settledForGood(n *ExplainedNode) bool {
	return n.Final || w.g.Once && n.Status != "waiting" && n.Reason != "waiting"
}

// standing is where the tasks of a node stand that are not over: the state of the one that
// has come furthest.
func (w *waits) standing(node string) (s TaskState) {
	order := []TaskState{TaskWaiting, TaskParked, TaskBackoff, TaskQueued, TaskRunning}
	for _, t := range w.of[node] {
		if t.State != TaskOver && slices.Index(order, t.State) >= slices.Index(order, s) {
			s = t.State
		}
	}
	return s
}

// tasks lists what the tasks of a node wait for.
func (w *waits) tasks(i int) (all []Wait) {
	c, node := &w.x.sum.Cursor, w.g.Nodes[i].ID
	for k := range c.Background {
		if b := &c.Background[k]; b.Node == node {
			text := fmt.Sprintf("%s works in the background since cycle %d", node, b.Cycle)
			if b.Over {
				text = node + " has ended in the background, and the next cycle takes its result"
			}
			all = append(all, Wait{For: WaitsForBackground, Node: node, Text: text})
		}
	}
	for k := range c.Waiting {
		if q := &c.Waiting[k]; q.Node == node {
			all = append(all, w.question(q)...)
		}
	}
	for k := range c.Asking {
		if q := &c.Asking[k]; q.Node == node {
			all = append(all, w.question(q)...)
		}
	}
	for _, t := range w.of[node] {
		if wait, ok := w.task(&w.g.Nodes[i], &t); ok {
			all = append(all, wait)
		}
	}
	return all
}

// question is what a node or an element waits for that is asked or waits.
func (w *waits) question(q *journal.Waiting) (all []Wait) {
	name := q.Place()
	if q.Answered {
		return []Wait{w.pause(name + " has its answer, and the next cycle takes it")}
	}
	until := ""
	if e := q.Ends(); !e.IsZero() {
		until = ", " + w.in(e) + " at the latest"
	}
	one := Wait{Node: q.Node, Item: q.Item, Until: q.Ends()}
	if names := q.EventNames(); len(names) > 0 {
		ev := one
		ev.For, ev.Events = WaitsForEvent, names
		ev.Text = fmt.Sprintf("%s waits for the event %s%s", name, strings.Join(names, " or "), until)
		return []Wait{ev}
	}
	switch {
	case q.Files != "":
		one.For, one.Text = WaitsForTime, fmt.Sprintf("%s waits for files %s%s", name, q.Files, until)
	case q.Kind == "wait" || !q.Due.IsZero():
		one.For, one.Until, one.Text = WaitsForTime, q.Due, fmt.Sprintf("%s waits until %s, %s", name, q.Due.UTC().Format(time.RFC3339), w.in(q.Due))
	default:
		one.For, one.ID = WaitsForAnswer, q.ID()
		one.Text = fmt.Sprintf("%s waits for an answer: `%s approve %s %s`%s", name, w.x.o.program(), diag.ShellWord(w.x.sum.Identity.Stack), diag.ShellWord(name), until)
		if len(q.Calls) > 0 {
			one.Text = fmt.Sprintf("%s waits for a word on %s%s", name, calls(q), until)
		} else if q.Kind != "approval" {
			one.Text = fmt.Sprintf("%s waits for an answer within it%s", name, until)
		}
	}
	return []Wait{one}
}

// calls names the tools that a task wants to call.
func calls(q *journal.Waiting) string {
	var names []string
	for _, c := range q.Calls {
		if !c.Answered {
			names = append(names, c.Tool)
		}
	}
	return strings.Join(names, ", ")
}

// task is what a task waits for that is not over.
func (w *waits) task(n *graph.Node, t *TaskStatus) (Wait, bool) {
	name := journal.Spot{Node: t.Node, Item: t.Item}.String()
	one := Wait{Node: t.Node, Item: t.Item}
	switch t.State {
	case TaskRunning:
		one.For, one.Text = WaitsForRun, fmt.Sprintf("%s runs%s", name, attempt(n, t.Attempt))
	case TaskBackoff:
		one.For, one.Until, one.Attempt, one.Attempts = WaitsForBackoff, t.RetryAt, t.Attempt+1, n.Retry.Attempts
		one.Text = fmt.Sprintf("%s tries again %s%s", name, w.in(t.RetryAt), attempt(n, t.Attempt+1))
	case TaskParked:
		one.For, one.Until = WaitsForParked, t.RetryAt
		one.Text = fmt.Sprintf("%s is parked, it starts again %s: the engine died too often while it ran", name, w.in(t.RetryAt))
	case TaskQueued:
		if t.Slot == nil || !w.driven() {
			one.For, one.Text = WaitsForRun, name+" is to run"
			break
		}
		s := t.Slot
		one.For, one.Pool, one.Running, one.Parallel, one.By = WaitsForPool, s.Pool, &s.Running, &s.Parallel, s.By
		one.Text = name + " " + s.text()
	default:
		return one, false
	}
	return one, true
}

// attempt says which attempt of several it is.
func attempt(n *graph.Node, k int) string {
	if most := n.Retry.Attempts; most > 1 {
		return fmt.Sprintf(", attempt %d of %d", k, most)
	}
	return ""
}

// text says what a task is queued for.
func (s *Slot) text() string {
	var by []string
	for _, b := range s.By {
		by = append(by, strings.TrimSpace(b.Stack+" "+journal.Spot{Node: b.Node, Item: b.Item}.String()))
	}
	has := strings.Join(by, ", ")
	switch {
	case s.Lock && has == "":
		return "waits for its lock, which another task has"
	case s.Lock:
		return "waits for its lock, which " + has + " has"
	case s.Parallel == 0:
		return "waits for a slot of " + s.Pool + ": it is on hold"
	case s.Running < s.Parallel:
		return "waits for a slot of " + s.Pool + ": its rate allows no more starts at this moment"
	}
	if has == "" {
		return fmt.Sprintf("waits for a slot of %s: %d of %d in use", s.Pool, s.Running, s.Parallel)
	}
	if n := s.Running - len(s.By); n > 0 {
		has += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("waits for a slot of %s: %d of %d in use by %s", s.Pool, s.Running, s.Parallel, has)
}

// in says how long it is until a time.
func (w *waits) in(t time.Time) string { return in(t.Sub(w.x.o.Now)) }

func in(d time.Duration) string {
	switch {
	case d <= 0:
		return "at once"
	case d < time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Second)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return "in " + text
}

// bounded names so many waits, and counts the rest.
func bounded(all []Wait) []Wait {
	if len(all) <= maxWaits {
		return all
	}
	rest := all[maxWaits]
	rest.Text = fmt.Sprintf("%d more", len(all)-maxWaits)
	return append(all[:maxWaits:maxWaits], Wait{For: rest.For, Text: rest.Text})
}
