package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// speaker is a node that says a word and ends when it was heard.
type speaker struct{ heard chan struct{} }

func (s speaker) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	t.Delta("a\nword")
	select {
	case <-s.heard:
		return nodes.Result{Output: map[string]any{}}, nil
	case <-ctx.Done():
		return nodes.Result{}, ctx.Err()
	}
}

// TestFollow: who follows a stack hears what is said while it is said, among the records,
// until the stack has ended; an error of theirs ends it before.
func TestFollow(t *testing.T) {
	t.Parallel()
	reg, heard := std.Registry(), make(chan struct{})
	if err := reg.Register(nodes.Spec{Kind: graph.Kind{Name: "speak", Open: true}, Node: speaker{heard}}); err != nil {
		t.Fatal(err)
	}
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("said"), Nodes: []graph.NodeDef{{ID: p("a"), Uses: p("speak")}},
		Stop: []graph.StopDef{{When: p("cycle.number == 1")}},
	}, reg)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: reg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	r := rig{rt, store, api.Options{Store: store, Kinds: reg}}
	c := r.tcp(t)
	if _, err := rt.Start(t.Context(), g, runtime.StartOptions{Rest: true}); err != nil {
		t.Fatal(err)
	}
	var got []string
	record := func(line []byte) error {
		var rec struct{ Type string }
		err := json.Unmarshal(line, &rec)
		if got = append(got, rec.Type); len(got) == 1 { // from now on all is heard
			_, err = rt.Resume(t.Context(), "said", runtime.ResumeOptions{})
		}
		return err
	}
	if err := c.Follow(t.Context(), "said", api.Read{}, record, func(d api.Delta) error {
		got = append(got, d.Node+" says "+d.Text)
		close(heard)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"stack.started", "cycle.started", "node.decided", "wave.started", "task.started", "a says a\nword",
		"task.finished", "wave.committed", "cycle.finished", "stack.finished"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	enough := errors.New("enough")
	if err := c.Follow(t.Context(), "said", api.Read{}, func([]byte) error { return enough }, nil); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}
