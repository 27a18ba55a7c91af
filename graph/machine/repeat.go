package machine

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Repeats reports whether a stack that has ended recorded the same input before: an
// event with that ID, or that answer to that question. Whoever repeats it, because
// the reply to the first was lost, is to learn that it arrived. g is the graph of the
// snapshot's cursor.
func Repeats(g *graph.Graph, o Options, s journal.Snapshot, in Input) bool {
	m := &Machine{o: o, id: s.Identity, g: g,
		ids: restoredIDs(s.State[journal.SidecarMark+"events"]), answers: restoredAnswers(s.State[journal.SidecarMark+"answers"])}
	return m.repeats(in)
}

func (m *Machine) repeats(in Input) bool {
	switch in := in.(type) {
	case Event:
		return m.Known(in.ID)
	case Answer:
		i, ok := m.g.NodeByID(in.Node)
		if !ok || in.For == "" {
			return false
		}
		if !m.g.Nodes[i].Kind.Waits {
			word, err := m.wordOf(in)
			return err == nil && m.answers.hasWord(in.Node, in.For, in.Call, sumOfWord(word))
		}
		output, err := m.answerOf(&m.g.Nodes[i], in)
		return err == nil && m.answers.has(in.Node, in.For, sumOf(output, in.Failure))
	}
	return false
}
