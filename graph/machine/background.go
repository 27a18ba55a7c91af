package machine

import (
	"maps"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// A node in the background outlives its wave and its cycle, and with them the
// records and the state that a restart begins from. What it needs of them is
// kept beside the state, in a list of the machine's own: first what its
// expressions saw when it began, then the records of its tasks.

// beginBackground starts a node that keeps running over cycles.
func (m *Machine) beginBackground(from *run) {
	i := from.node
	id := m.g.Nodes[i].ID
	saw := m.saw(i, from.w)
	w := m.layBackground(i, journal.Background{Node: id, Cycle: m.cur.Cycle, Wave: m.cur.Wave, Since: m.at}, restored(journal.SidecarMark+"task."+id, nil), saw)
	m.put(w.sidecar, saw, 0)
	r := &w.runs[0]
	if r.over {
		m.backgroundOver(w)
		return
	}
	r.outside = false
	m.startRun(r)
}

// layBackground lays out the tasks of a node in the background.
func (m *Machine) layBackground(i int, b journal.Background, o *sidecar, saw map[string]any) *wave {
	w := &wave{open: true, left: 1, cycle: b.Cycle, number: b.Wave, now: b.Since, sidecar: o, env: m.envOf(saw)}
	w.runs = []run{{w: w, node: i}}
	m.nodes[i].apart = w
	m.layRun(&w.runs[0], 0)
	m.inBackground(i, b)
	return w
}

// inBackground adds a node to those in the background, unless it is there.
func (m *Machine) inBackground(i int, b journal.Background) {
	at, there := slices.BinarySearchFunc(m.cur.Background, i, func(b journal.Background, i int) int { return m.plan.index[b.Node] - i })
	if !there {
		m.cur.Background = slices.Insert(slices.Clone(m.cur.Background), at, b)
	}
}

// backgroundOver notes that nothing of the node runs any more: the next cycle applies
// its result.
func (m *Machine) backgroundOver(w *wave) {
	for k := range m.cur.Background {
		if b := &m.cur.Background[k]; m.plan.index[b.Node] == w.runs[0].node && !b.Over {
			m.cur.Background = slices.Clone(m.cur.Background)
			m.cur.Background[k].Over = true
			m.hasten()
		}
	}
}

// saw is what the expressions of a node of an open wave see, as a value: the keys of
// the state that they read, and the rest of their names.
func (m *Machine) saw(i int, w *wave) map[string]any {
	state, _ := w.env.Slots[graph.SlotState].(*keys)
	shown, _ := w.env.Slots[graph.SlotNodes].(*view)
	read := map[string]any{}
	nodes := false
	for _, p := range m.reads(&m.g.Nodes[i]) {
		r := p.Reads()
		nodes = nodes || r.Slots&(1<<graph.SlotNodes) != 0
		keys := r.Fields[graph.SlotState]
		for k := range m.g.Keys {
			if r.Whole&(1<<graph.SlotState) != 0 || slices.Contains(keys, k) {
				read[m.g.Keys[k].Name] = state.values[k]
			}
		}
	}
	cycle, _ := m.env.Slots[graph.SlotCycle].(map[string]any)
	started, _ := cycle["started_at"].(time.Time)
	saw := map[string]any{
		"now": w.now.Format(time.RFC3339Nano), "cycle": int64(m.cur.Cycle),
		"started_at": started.Format(time.RFC3339Nano), "error": m.errorOf(i), "state": read,
	}
	if due, ok := cycle["due"].(time.Time); ok {
		saw["due"] = due.Format(time.RFC3339Nano)
	}
	if nodes {
		all := map[string]any{}
		for k := range m.g.Nodes {
			all[m.g.Nodes[k].ID] = shown.Field(k)
		}
		saw["nodes"] = all
	}
	return saw
}

// reads are the expressions that make what the tasks of a node are given.
func (m *Machine) reads(n *graph.Node) (all []*cond.Program) {
	for _, t := range []*graph.Template{n.With, n.Priority, n.Lock} {
		if t != nil {
			all = append(all, t.Programs()...)
		}
	}
	if fe := n.ForEach; fe != nil {
		all = append(all, fe.In, fe.Key, fe.Max, fe.Until)
	}
	if n.Cache != nil {
		all = append(all, n.Cache.Key)
	}
	all = append(all, n.Retry.When)
	all = append(all, m.bound(n.Calls, n.Where)...)
	return slices.DeleteFunc(all, func(p *cond.Program) bool { return p == nil })
}

// envOf shows expressions what saw says. A key that a changed graph reads and
// the one before did not is as it is now.
func (m *Machine) envOf(saw map[string]any) *cond.Env {
	read, _ := saw["state"].(map[string]any)
	values := slices.Clone(m.state.values)
	for k := range m.g.Keys {
		if v, ok := read[m.g.Keys[k].Name]; ok {
			values[k] = v
		}
	}
	moment := func(name string) time.Time {
		text, _ := saw[name].(string)
		t, _ := time.Parse(time.RFC3339Nano, text)
		return t
	}
	env := &cond.Env{Slots: slices.Clone(m.env.Slots)}
	s := env.Slots
	s[graph.SlotState] = &keys{values}
	s[graph.SlotNodes] = m.viewOf(saw["nodes"])
	s[graph.SlotNow] = moment("now")
	cycle := map[string]any{"number": saw["cycle"], "started_at": moment("started_at"), "due": nil}
	if saw["due"] != nil {
		cycle["due"] = moment("due")
	}
	s[graph.SlotCycle] = cycle
	s[graph.SlotError] = saw["error"]
	return env
}

// viewOf is `nodes` as it was.
func (m *Machine) viewOf(saw any) *view {
	v := &view{m: m, shown: make([]seen, len(m.g.Nodes))}
	nodes, _ := saw.(map[string]any)
	for id, n := range nodes { // in any order: each has its place
		i, ok := m.plan.index[id]
		if f, isNode := n.(map[string]any); ok && isNode {
			name, _ := f["status"].(string)
			attempts, _ := f["attempts"].(int64)
			reason, _ := f["reason"].(string)
			v.shown[i] = seen{statusNamed(name), int(attempts), reason, f["error"]}
		}
	}
	return v
}

// stays says whether a changed graph still has a node, as f asks.
func (m *Machine) stays(g *graph.Graph, id string, f func(was, is *graph.Node) bool) bool {
	i, ok := g.NodeByID(id)
	return ok && f(&m.g.Nodes[m.plan.index[id]], &g.Nodes[i])
}

// staysApart says whether a changed graph keeps a background node running.
func (m *Machine) staysApart(g *graph.Graph, id string) bool {
	return m.stays(g, id, func(was, is *graph.Node) bool {
		asks := m.nodes[was.Index].apart.asks
		stays := is.Background || asks || is.Kind.Waits && m.canEnd(g, id)
		return stays && is.Kind.Name == was.Kind.Name && (is.ForEach == nil) == (was.ForEach == nil)
	})
}

// canEnd reports that under a changed graph somebody can send what the elements of a node
// wait for.
func (m *Machine) canEnd(g *graph.Graph, id string) bool {
	return !slices.ContainsFunc(m.cur.Waiting, func(w journal.Waiting) bool { return w.Node == id && !sendable(g, &w) })
}

// sendable reports that a wait is over, waits for no event, or for one that a graph has.
func sendable(g *graph.Graph, w *journal.Waiting) bool {
	names := w.EventNames()
	return w.Answered || len(names) == 0 || slices.ContainsFunc(names, func(name string) bool {
		_, known := g.EventByName(name)
		return known
	})
}

// carry moves waiting and background nodes to a changed graph: settle before it
// is loaded, and link after. A node that is no more what it was is cancelled.
func (m *Machine) carry(g *graph.Graph) (link func()) {
	answers, apart := map[string]*journal.TaskFinished{}, map[string]*wave{}
	m.cur.Waiting = slices.DeleteFunc(slices.Clone(m.cur.Waiting), func(w journal.Waiting) bool {
		gone := w.Item != "" && !m.staysApart(g, w.Node) || w.Item == "" && !(sendable(g, &w) && m.stays(g, w.Node, func(was, is *graph.Node) bool {
			return is.Kind.Name == was.Kind.Name && is.ForEach == nil
		}))
		switch {
		case !gone && w.Item != "":
		case !gone:
			answers[w.Node] = m.nodes[m.plan.index[w.Node]].answer
		case !w.Answered:
			m.log(m.settled(&w, nil, &journal.Failure{Kind: "cancelled", Message: "the graph has changed"}))
			m.hasten()
		}
		return gone
	})
	m.cur.Background = slices.DeleteFunc(slices.Clone(m.cur.Background), func(b journal.Background) bool {
		w := m.nodes[m.plan.index[b.Node]].apart
		if m.staysApart(g, b.Node) {
			apart[b.Node] = w
			return false
		}
		m.empty(w.sidecar)
		m.cur.Asking = slices.DeleteFunc(slices.Clone(m.cur.Asking), func(q journal.Waiting) bool { return q.Node == b.Node })
		m.keepChildren(&w.runs[0])
		m.hasten()
		return true
	})
	m.dropCaches(g)
	return func() {
		order := func(a, b string) int { return m.plan.index[a] - m.plan.index[b] }
		slices.SortStableFunc(m.cur.Waiting, func(a, b journal.Waiting) int { return order(a.Node, b.Node) })
		slices.SortFunc(m.cur.Background, func(a, b journal.Background) int { return order(a.Node, b.Node) })
		for _, id := range slices.Sorted(maps.Keys(answers)) {
			m.nodes[m.plan.index[id]].answer = answers[id]
		}
		for _, id := range slices.Sorted(maps.Keys(apart)) {
			w, i := apart[id], m.plan.index[id]
			saw, _ := w.sidecar.list[0].(map[string]any)
			if m.g.Nodes[i].Kind.Talks || w.asks {
				saw = m.keepWith(w, saw)
			}
			w.runs[0].node, w.env = i, m.envOf(saw)
			m.nodes[i].apart = w
		}
	}
}
