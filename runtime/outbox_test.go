package runtime

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// sending is the kind send.
type sending struct{}

func (sending) Kind(name string) (graph.Kind, bool) {
	return graph.Kind{Name: name, Open: true, Sends: true}, name == "send"
}

func (sending) Names() []string { return []string{"send"} }

// TestMessagesLeaveInOrder: by node as they are declared, by element within a
// node; never by which was done first.
func TestMessagesLeaveInOrder(t *testing.T) {
	t.Parallel()
	done := func(node, item string) journal.Record {
		return journal.Record{Cycle: 1, Body: &journal.TaskFinished{Wave: 1, Node: node, Item: item, Attempt: 1, Status: "succeeded",
			Output: map[string]any{"to": "other", "event": "e", "payload": node + item}}}
	}
	g, problems := graph.Compile(graph.Def{Version: 1, Name: diag.Plain("g"), Nodes: []graph.NodeDef{
		{ID: diag.Plain("all"), Uses: diag.Plain("send")}, {ID: diag.Plain("one"), Uses: diag.Plain("send")}, {ID: diag.Plain("bad"), Uses: diag.Plain("send")},
	}}, sending{})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	var o outbox
	o.take(journal.Identity{Stack: "s"}, g, []journal.Record{
		done("one", ""), done("all", "c"), done("bad", ""), done("all", "z"), done("all", "a"),
		{Cycle: 1, Body: &journal.WaveCommitted{Wave: 1, Settled: []journal.Settled{
			{Node: "all", Status: "succeeded", Elements: []string{"z", "a", "c"}},
			{Node: "one", Status: "succeeded"},
			{Node: "bad", Status: "failed"},
		}}},
	})
	var got []any
	for _, m := range o.waiting {
		got = append(got, m.payload)
	}
	if diff := cmp.Diff([]any{"allz", "alla", "allc", "one"}, got); diff != "" || len(o.done) > 0 {
		t.Errorf("%d messages are left behind; those that leave (-want +got):\n%s", len(o.done), diff)
	}
}
