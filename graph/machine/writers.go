package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Who last wrote a key is kept beside the state, in a list with an element for each key that
// was changed since the stack was started. So it is known also when the history does not
// reach back to the write, and a commit stores little: the list while it is short, else one
// small element for each key that it changes. An element is [KEY, CYCLE, WAVE, NODE], of an answer [KEY, CYCLE, WAVE, NODE, AS],
// of an event [KEY, CYCLE, EVENT], of what was set with a fork [KEY, CYCLE], and [KEY] where
// nobody knows: stacks of 0.1.0 have no list, and get it with their next change.

const writersName = journal.SidecarMark + "by"

// fewWriters is up to how many elements the list is stored whole. One small row beside what
// each commit writes anyway costs a store less than rows of its own elsewhere.
const fewWriters = 16

// Writers says who last wrote each key of a state. The zero value knows nobody. It is not
// safe for concurrent use.
type Writers struct {
	list []any          // shared with the store: it is replaced, not changed; nil if there is none
	at   map[string]int // where each key is in it; nil until it is needed
}

// WritersIn reads the writers of a stored state, with the sidecars of its machine
// (journal.Snapshot.State).
func WritersIn(state map[string]any) Writers {
	list, _ := state[writersName].([]any)
	return Writers{list: list}
}

// WriterOf says who last wrote a key of the committed state. Nobody knows it where a stack
// of 0.1.0 has not changed the key since, or where the graph does not have the key.
func (m *Machine) WriterOf(key string) (by journal.By, known bool) {
	if !slices.ContainsFunc(m.g.Keys, func(k graph.Key) bool { return k.Name == key }) {
		return by, false
	}
	return m.writers.Of(key)
}

// Of says who last wrote a key of the graph that the state is of. Nobody knows it where a
// stack of 0.1.0 has not changed the key since.
func (w *Writers) Of(key string) (by journal.By, known bool) {
	if w.list == nil {
		return by, false
	}
	i, ok := w.index()[key]
	if !ok {
		return journal.By{Initial: true}, true
	}
	e, _ := w.list[i].([]any)
	if len(e) > 1 {
		by.Cycle = number(e[1])
	}
	switch len(e) {
	case 2:
		by.Fork = true
	case 3:
		by.Event, _ = e[2].(string)
	case 4, 5:
		by.Wave = number(e[2])
		by.Node, _ = e[3].(string)
		if by.Answer = len(e) == 5; by.Answer {
			by.As, _ = e[4].(string)
		}
	default:
		return by, false
	}
	return by, true
}

func number(v any) uint64 {
	n, _ := v.(int64)
	return uint64(max(n, 0))
}

func (w *Writers) index() map[string]int {
	if w.at == nil {
		w.at = make(map[string]int, len(w.list))
		for i, e := range w.list {
			if e, _ := e.([]any); len(e) > 0 {
				name, _ := e[0].(string)
				w.at[name] = i
			}
		}
	}
	return w.at
}

// into adds the list to a stored state.
func (w *Writers) into(state map[string]any) {
	if w.list != nil {
		state[writersName] = slices.Clip(w.list)
	}
}

// source is who wrote a value: a node, or an event.
type source struct {
	event string // "" for a node
	node  string
	asked bool // the node was answered, by whoever `as` names
	as    string
}

func (s *source) writer(key string) journal.Writer {
	switch {
	case s.event != "":
		return journal.Writer{Key: key, Event: s.event}
	case s.asked:
		return journal.Writer{Key: key, Answer: s.node}
	}
	return journal.Writer{Key: key, Node: s.node}
}

// settledBy is who writes what a node gave that was waiting or in the background. A time, an
// event or files that settle a wait are no answer, nor is the default of an approval.
func (m *Machine) settledBy(i int) source {
	n := &m.g.Nodes[i]
	s := source{node: n.ID, asked: n.Kind.Waits && n.Kind.Name != "wait"}
	if b := m.nodes[i].answer; b != nil && s.asked {
		if w := m.waitingFor(n.ID, ""); w != nil && w.Late(w.Since.Add(b.Duration)) {
			s.asked = false
		} else if fields, ok := b.Output.(map[string]any); ok {
			s.as, _ = fields["by"].(string)
		}
	}
	return s
}

// writing is who changed the keys of a commit: the writes of a key stand together, and the
// last of them is its writer.
type writing struct {
	list []journal.Writer
	as   map[string]string // by key, where its writer is an answer: who answered
}

// add notes writes that changed a key, one after the other. Writes of one source in a row
// are one.
func (o *writing) add(key string, all ...source) {
	var before *source
	for k := range all {
		if before == nil || all[k] != *before {
			o.list = append(o.list, all[k].writer(key))
		}
		before = &all[k]
	}
	if last := &all[len(all)-1]; last.as != "" {
		if o.as == nil {
			o.as = map[string]string{}
		}
		o.as[key] = last.as
	}
}

// writtenBy notes which runs of a wave changed a key. It is called before the change.
func (m *Machine) writtenBy(o *writing, w *wave, key int, failures []*journal.Failure) {
	only, several := -1, false
	for k := range w.runs {
		r := &w.runs[k]
		if failures[k] != nil || r.outside || !slices.ContainsFunc(m.writes(&m.g.Nodes[r.node]), func(e graph.Write) bool { return e.Key == key }) {
			continue
		}
		several = several || only >= 0
		only = k
	}
	if !several {
		o.add(m.g.Keys[key].Name, source{node: m.g.Nodes[w.runs[only].node].ID})
		return
	}
	values, runs := m.writesTo(w, key, failures)
	from := make([]source, len(runs))
	for x, k := range runs {
		from[x].node = m.g.Nodes[w.runs[k].node].ID
	}
	m.fold(o, key, m.state.values[key], values, from)
}

// fold notes which of the writes to a key changed it, as it was left by those before. A
// value in between that the key could not have counts as a change: the writes after it are
// reduced together with it.
func (m *Machine) fold(o *writing, key int, old any, values []any, from []source) {
	name := m.g.Keys[key].Name
	if !slices.ContainsFunc(from, func(s source) bool { return s != from[0] }) {
		o.add(name, from[0])
		return
	}
	var moved []source
	begun := 0 // values from here to x are not in old yet
	for x := range values {
		c, changed, err := m.g.Reduce(key, old, values[begun:x+1], m.env)
		if err != nil || changed || begun < x {
			moved = append(moved, from[x])
		}
		if err != nil {
			continue
		}
		if begun = x + 1; changed {
			old = c.Value
		}
	}
	if moved == nil {
		moved = from[len(from)-1:]
	}
	o.add(name, moved...)
}

// commitChanges makes changes of the state, and who made them, part of the next commit.
func (m *Machine) commitChanges(changes []graph.Change, o *writing, wave uint64) {
	if len(changes) == 0 {
		return
	}
	m.out.changes = append(slices.Grow(m.out.changes, len(changes)+1), changes...)
	w := &m.writers
	c := graph.Change{Key: -1, Name: writersName, Whole: w.list == nil || len(w.list)+len(changes) <= fewWriters}
	w.list = m.writersNow(len(changes))
	for k := range o.list {
		by := &o.list[k]
		if k+1 < len(o.list) && o.list[k+1].Key == by.Key {
			continue
		}
		i, ok := w.index()[by.Key]
		if !ok {
			i = len(w.list)
			w.list, w.at[by.Key] = append(w.list, nil), i
		}
		was, _ := w.list[i].([]any)
		w.list[i] = m.elementOf(by, o.as[by.Key], wave, was)
		if !c.Whole {
			c.Put = append(c.Put, graph.Element{At: i, Value: w.list[i]})
		}
	}
	slices.SortFunc(c.Put, func(a, b graph.Element) int { return a.At - b.At })
	c.Value = w.list
	m.out.changes = append(m.out.changes, c)
}

// writersNow is a copy of the list with room for more. Where there is none yet, nobody
// knows who wrote the keys.
func (m *Machine) writersNow(more int) []any {
	w := &m.writers
	if w.list != nil {
		return append(make([]any, 0, len(w.list)+more), w.list...)
	}
	list := make([]any, len(m.g.Keys), len(m.g.Keys)+more)
	for k := range m.g.Keys {
		list[k] = []any{m.g.Keys[k].Name}
	}
	w.at = nil
	return list
}

// elementOf is the element of the list for a write. It shares the names that the one before
// it has too.
func (m *Machine) elementOf(by *journal.Writer, as string, wave uint64, was []any) any {
	e := make([]any, 0, 4)
	add := func(name string) {
		if i := len(e); i < len(was) && was[i] == name {
			e = append(e, was[i])
		} else {
			e = append(e, name)
		}
	}
	add(by.Key)
	e = append(e, int64(m.cur.Cycle))
	switch {
	case by.Event != "":
		add(by.Event)
		return e
	case by.Node+by.Answer == "": // it was set with a fork
		return e
	}
	e = append(e, int64(wave))
	add(by.Node + by.Answer) // one of them is ""
	if by.Answer != "" {
		add(as)
	}
	return e
}

// adoptWriters takes the writers to a changed graph: of the keys that it has as well. Its
// other keys have their initial values.
func (m *Machine) adoptWriters(g *graph.Graph) {
	w := &m.writers
	kept := []any{}
	for _, e := range m.writersNow(0) {
		fields, _ := e.([]any)
		if len(fields) > 0 && slices.ContainsFunc(g.Keys, func(k graph.Key) bool { return k.Name == fields[0] }) {
			kept = append(kept, e)
		}
	}
	w.list, w.at = kept, nil
}
