package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// scene is a graph of testdata/scenes, or some, with what is done from outside while its stacks
// run. Nothing in it depends on how long anything takes.
type scene struct {
	name   string
	stacks []part // default: one, of the graph with the name of the scene
	does   []move
}

// part is one stack of a scene.
type part struct {
	id, graph string
	params    map[string]any
}

// move is what is done from outside once a stack is where it should be.
type move struct {
	what  string
	when  func(*journal.Cursor) bool
	do    func(ctx context.Context, e engine, stack string) error
	stack string // default: the first one
}

// engine is what drives stacks, here or on a cluster.
type engine struct {
	api.Engine
	inspect.Reader
}

// rests: the stack only waits for somebody outside, or runs in the background.
func rests(c *journal.Cursor) bool {
	return c.Cycle > 0 && !c.Open && c.Inbox == 0 && (c.WakeAt.IsZero() || time.Until(c.WakeAt) > time.Minute)
}

func works(c *journal.Cursor) bool { return c.Open }

func send(id, event string, payload any) move {
	return move{what: "send " + id, when: rests, do: func(ctx context.Context, e engine, stack string) error {
		_, err := e.Send(ctx, runtime.Send{Stack: stack, ID: id, Event: event, Payload: payload})
		return err
	}}
}

func answer(node, item string, output map[string]any) move {
	return move{what: "answer " + node, when: rests, do: func(ctx context.Context, e engine, stack string) error {
		return e.AnswerWith(ctx, stack, node, runtime.AnswerOptions{Item: item, Output: output})
	}}
}

func command(what string, when func(*journal.Cursor) bool, do func(ctx context.Context, e engine, stack string) error) move {
	return move{what: what, when: when, do: do}
}

func pause() move {
	return command("pause", rests, func(ctx context.Context, e engine, stack string) error { return e.Pause(ctx, stack) })
}

// resume resumes a stack that has so many events.
func resume(events int) move {
	return command("resume", func(c *journal.Cursor) bool { return c.Status == journal.Paused && c.Inbox == events },
		func(ctx context.Context, e engine, stack string) error { return e.Unpause(ctx, stack) })
}

// from is a move at another stack of the scene.
func from(stack string, m move) move {
	m.stack = stack
	return m
}

var yes = map[string]any{"approved": true}

// scenes are those that are played on a cluster and in the embedded engine.
var scenes = []scene{
	{name: "chain", stacks: []part{{id: "chain", graph: "chain", params: map[string]any{"who": "you"}}}},
	{name: "each"}, {name: "until"}, {name: "retry"}, {name: "outcomes"}, {name: "joins"}, {name: "loop"},
	{name: "events", does: []move{
		send("e1", "item", []any{"a"}), send("e1", "item", []any{"a"}),
		send("e2", "item", []any{"b", "c"}), send("e3", "item", []any{"d"}),
	}},
	{name: "queue", does: []move{send("o1", "order", "a"), send("o2", "order", "b"), send("o3", "order", "c")}},
	{name: "approval", does: []move{answer("ask", "", map[string]any{"approved": true, "value": 7})}},
	{name: "approval_each", does: []move{answer("ask", "y", map[string]any{"approved": false}), answer("ask", "x", yes)}},
	{name: "approval_default"}, {name: "wait_for"}, {name: "timeout"},
	{name: "child"}, {name: "child_until"}, {name: "child_fails"},
	{name: "latch", does: []move{answer("ask", "", yes)}},
	{name: "finally", does: []move{command("cancel", rests, func(ctx context.Context, e engine, stack string) error {
		return e.Cancel(ctx, stack, "enough")
	})}},
	{name: "failed"}, {name: "eager"}, {name: "cache"},
	{name: "send", stacks: []part{{id: "to", graph: "send_from"}, {id: "from", graph: "send_to", params: map[string]any{"to": "to"}}}, does: []move{
		pause(), // so that all that comes is applied by one cycle
		from("from", answer("ask", "", yes)),
		resume(6),
	}},
	{name: "memory"},
	{name: "control", does: []move{
		send("c1", "item", []any{"a"}),
		pause(),
		command("send c2", func(c *journal.Cursor) bool { return c.Status == journal.Paused }, func(ctx context.Context, e engine, stack string) error {
			_, err := e.Send(ctx, runtime.Send{Stack: stack, ID: "c2", Event: "item", Payload: []any{"b"}})
			return err
		}),
		resume(1),
		command("wake", rests, func(ctx context.Context, e engine, stack string) error { return e.Wake(ctx, stack) }),
		command("stop", rests, func(ctx context.Context, e engine, stack string) error { return e.End(ctx, stack) }),
	}},
	{name: "limits"}, {name: "round_robin"}, {name: "first"},
	{name: "cancel_task", does: []move{command("cancel hold", works, func(ctx context.Context, e engine, stack string) error {
		return e.CancelTask(ctx, stack, "hold", "")
	})}},
	{name: "steps"}, {name: "pool"},
}

// load loads a graph of testdata/scenes.
func load(t *testing.T, name string, k *nodes.Registry) *graph.Graph {
	t.Helper()
	src, problems := dsl.Load(filepath.Join(shared.scenes, name+".yaml"), k)
	if src.Graph == nil {
		t.Fatalf("%s: %v", name, problems)
	}
	return src.Graph
}

// parts are the stacks of a scene. Their ids begin with prefix.
func (s *scene) parts(prefix string) (all []part) {
	all = append(all, s.stacks...)
	if len(all) == 0 {
		all = []part{{id: s.name, graph: s.name}}
	}
	for i := range all {
		all[i].id = prefix + all[i].id
		if to, ok := all[i].params["to"].(string); ok {
			all[i].params = map[string]any{"to": prefix + to}
		}
	}
	return all
}

// play runs a scene until all of its stacks have ended.
func (s *scene) play(t *testing.T, e engine, k *nodes.Registry, prefix string) {
	t.Helper()
	ctx := t.Context()
	parts := s.parts(prefix)
	for _, p := range parts {
		if err := e.Start(ctx, load(t, p.graph, k), runtime.StartOptions{ID: p.id, Params: p.params}); err != nil {
			t.Fatal(err)
		}
	}
	stand := func(id string) (c journal.Cursor) {
		sum, err := e.Stack(ctx, id)
		if err != nil && !errors.Is(err, journal.ErrNotFound) { // it has not begun
			t.Fatal(err)
		}
		return sum.Cursor
	}
	for _, m := range s.does {
		id := parts[0].id
		if m.stack != "" {
			id = prefix + m.stack
		}
		until(t, fmt.Sprintf("%s: the moment to %s", id, m.what), func() bool {
			c := stand(id)
			if c.Status.Ended() {
				t.Fatalf("%s: it has ended before the moment to %s: %s %s", id, m.what, c.Status, c.Reason)
			}
			return m.when(&c)
		})
		if err := m.do(ctx, e, id); err != nil {
			t.Fatalf("%s: %s: %v", id, m.what, err)
		}
	}
	for _, p := range parts {
		until(t, p.id+": its end", func() bool {
			c := stand(p.id)
			return c.Status.Ended()
		})
	}
}
