package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// gave is what a node gives to its `writes`: its output, and of an agent what it said
// and used. Under for_each all of them are lists.
type gave struct {
	output any
	talk   *journal.Talk // nil stands for an agent that said and used nothing

	results any // of a for_each, where its writes read them
}

// MaxMemoryWrites is how many items a task may put into memories.
const MaxMemoryWrites = 1000

// outputOf is what a node gave whose tasks are over: for `writes`.
func (m *Machine) outputOf(r *run) (gave, *journal.Failure) {
	if r.err != nil {
		return gave{}, r.err
	}
	n := &m.g.Nodes[r.node]
	fe := n.ForEach
	if fe == nil {
		t := &r.w.tasks[r.first]
		return gave{output: t.output, talk: t.talk}, t.err
	}
	outputs, lists := make([]any, 0, r.n), len(m.writes(n)) > 0
	var messages, usage []any
	for k := r.first; k < r.first+r.n; k++ {
		t := &r.w.tasks[k]
		switch {
		case t.ok && lists:
			v, f := m.added(fe, t)
			if f != nil {
				return gave{}, f
			}
			outputs = append(outputs, v)
		case t.ok:
		case fe.OnFailure == graph.Keep:
			outputs = append(outputs, nil)
		case fe.OnFailure != graph.Skip && !r.enough:
			return gave{}, t.err
		}
		if n.Kind.Talks && (t.ok || fe.OnFailure == graph.Keep) {
			one := said(t.talk)
			messages, usage = append(messages, one.Messages), append(usage, one.Usage)
		}
	}
	if fe.Until != nil && !r.enough && r.n > 0 {
		if _, err := m.untilHolds(r, fe); err != nil { // nobody knows whether it has enough
			return gave{}, m.maskFailure(*failureOf(err))
		}
	}
	out := gave{output: outputs}
	if m.plan.results[r.node].writes && lists {
		out.results = m.results(r)
	}
	if n.Kind.Talks {
		out.talk = &journal.Talk{Messages: append([]any{}, messages...), Usage: append([]any{}, usage...)}
	}
	return out, nil
}

// said completes what an agent said and used.
func said(t *journal.Talk) journal.Talk {
	var out journal.Talk
	if t != nil {
		out = *t
	}
	if out.Messages == nil {
		out.Messages = []any{}
	}
	if out.Usage == nil {
		out.Usage = map[string]any{"turns": int64(0), "calls": int64(0), "input_tokens": int64(0), "output_tokens": int64(0),
			"cost": float64(0), "estimated": false}
	}
	return out
}

// seeGiven lets the writes of a node see what it gave, and returns the end of that.
func (m *Machine) seeGiven(n *graph.Node, out gave) (end func()) {
	s := m.env.Slots
	s[graph.SlotOutput], s[graph.SlotResults] = out.output, out.results
	if n.Kind.Talks {
		talk := said(out.talk)
		s[graph.SlotMessages], s[graph.SlotUsage] = talk.Messages, talk.Usage
	}
	return func() {
		s[graph.SlotOutput], s[graph.SlotResults], s[graph.SlotMessages], s[graph.SlotUsage] = nil, nil, nil, nil
	}
}

// besides masks what an attempt gives besides its output. It has the bound of an output.
func (m *Machine) besides(in TaskDone) (*journal.Talk, []journal.MemoryWrite, error) {
	var talk *journal.Talk
	if in.Talk != nil {
		messages, err := value.Of(in.Talk.Messages)
		if err != nil {
			return nil, nil, fmt.Errorf("messages: %w", err)
		}
		usage, err := value.Of(in.Talk.Usage)
		if err != nil {
			return nil, nil, fmt.Errorf("usage: %w", err)
		}
		messages = m.maskValue(messages)
		if size := messages.Size() + usage.Size(); size > value.MaxBytes {
			return nil, nil, fmt.Errorf("the messages have %d bytes, at most %d are allowed", size, value.MaxBytes)
		}
		talk = &journal.Talk{Messages: messages.Any(), Usage: usage.Any()}
	}
	if len(in.Memory) > MaxMemoryWrites {
		return nil, nil, fmt.Errorf("the task writes %d items into memories, at most %d are allowed", len(in.Memory), MaxMemoryWrites)
	}
	var memory []journal.MemoryWrite
	size := 0
	for _, w := range in.Memory {
		if m.memoryNamed(w.Memory) == nil {
			return nil, nil, fmt.Errorf("the graph has no memory %q", w.Memory)
		}
		data, err := value.Of(w.Data)
		if err != nil {
			return nil, nil, fmt.Errorf("data of an item in memory %q: %w", w.Memory, err)
		}
		data = m.maskValue(data)
		w.Data = data.Any()
		w.ID, w.Text = m.maskText(w.ID), m.maskText(w.Text)
		if size += data.Size() + len(w.ID) + len(w.Text) + len(w.Vector); size > value.MaxBytes {
			return nil, nil, fmt.Errorf("what is written into memories has more than %d bytes", value.MaxBytes)
		}
		memory = append(memory, w)
	}
	return talk, memory, nil
}

func (m *Machine) memoryNamed(name string) *graph.Memory {
	for k := range m.g.Memories {
		if mem := &m.g.Memories[k]; mem.Name == name {
			return mem
		}
	}
	return nil
}

func (m *Machine) maskText(s string) string {
	if masked, ok := m.mask(s).(string); ok {
		return masked
	}
	return s
}

// putMemory gives the driver what a node that has succeeded puts into memories: by task,
// in the order of the elements, whichever was done first. A replay gives it as well.
func (m *Machine) putMemory(r *run) {
	for x := r.first; x < r.first+r.n; x++ {
		t := &r.w.tasks[x]
		if !t.ok {
			continue
		}
		for _, w := range t.memory {
			if mem := m.memoryNamed(w.Memory); mem != nil { // a changed graph may lack it
				m.out.memory = append(m.out.memory, MemoryChange{MemoryWrite: w, Graph: mem.Graph, Keep: mem.Keep})
			}
		}
	}
}
