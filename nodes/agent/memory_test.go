package agent

import (
	"context"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// memories is a Memory of tests.
type memories struct{ r *rig }

func (m memories) Search(_ context.Context, _ nodes.Task, memory, query string, limit int) (any, error) {
	return []any{map[string]any{"id": memory, "text": query, "n": int64(limit)}}, nil
}

func (m memories) Write(_ context.Context, _ nodes.Task, memory, id, key, text string, data any) (any, journal.MemoryWrite, error) {
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	m.r.called = append(m.r.called, key)
	if id == "" {
		id = key
	}
	return map[string]any{"id": id}, journal.MemoryWrite{Memory: memory, ID: id, Text: text, Data: data, Vector: "AAAA", Model: "a/e"}, nil
}

// TestMemoryTools: a search is answered, and what is written goes out with the result,
// once, also after a crash.
func TestMemoryTools(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"memory/facts", "memory/facts/write"}},
		calls(call("1", "memory/facts/write", "text", "water is wet", "data", map[string]any{"a": 1}), call("2", "memory/facts", "query", "wet"),
			call("3", "memory/facts/write", "text", "fire is hot", "id", "fire")), text("Noted."))
	r.agents.cfg.Memory = memories{r}
	r.task.Of.Memories = []graph.Memory{{Name: "facts"}}
	r.stopAfter = 4
	if _, e := r.run(); e == nil {
		t.Fatal("it was not killed")
	}
	r.stopAfter = 0
	res := r.must()
	if got := strings.Join(r.called, " "); len(r.called) != 2 || !strings.Contains(got, "key#1") || !strings.Contains(got, "key#3") {
		t.Errorf("called %s", got)
	}
	if len(res.Memory) != 2 || res.Memory[0].ID != "key#1" || res.Memory[0].Text != "water is wet" || res.Memory[0].Data == nil || res.Memory[0].Vector != "AAAA" || res.Memory[1].ID != "fire" {
		t.Errorf("%+v", res.Memory)
	}
	m := r.asked[1].Messages
	if m[2].Content != `{"id":"key#1"}` || m[3].Content != `[{"id":"facts","n":5,"text":"wet"}]` {
		t.Errorf("%+v", m)
	}
}
