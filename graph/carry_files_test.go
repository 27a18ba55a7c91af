package graph_test

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
	"github.com/graphrun/graphrun/nodes/agent/openai"
	"github.com/graphrun/graphrun/nodes/agent/script"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
)

type rolled struct{ *rand.Rand }

func (r rolled) N(n int) int { return r.IntN(n) }

// drawn is an environment with values of the types that a graph has.
func drawn(g *graph.Graph, n *graph.Node, r rolled) *cond.Env {
	draw := func(t *schema.Type) any { v, _ := t.Draw(r, nil); return v }
	state, params := map[string]any{}, map[string]any{}
	for i := range g.Keys {
		state[g.Keys[i].Name] = draw(g.Keys[i].Type)
	}
	for i := range g.Params {
		params[g.Params[i].Name] = draw(g.Params[i].Type)
	}
	env := carryEnv(g, state)
	s := env.Slots
	s[graph.SlotParams], s[graph.SlotNow] = params, time.Unix(r.Int64N(1<<32), r.Int64N(1e9)).UTC()
	if r.N(2) == 0 {
		s[graph.SlotError] = nil
	}
	s[graph.SlotItem] = draw(schema.AnyType)
	if n.ForEach != nil && n.ForEach.In.Type().Elem != nil {
		s[graph.SlotItem] = draw(n.ForEach.In.Type().Elem)
	}
	return env
}

// fileKinds are the kinds of the program.
func fileKinds(t *testing.T) *nodes.Registry {
	t.Helper()
	kinds, memories := std.Registry(), &memory.Memories{}
	agents := agent.New(agent.Config{Memory: memories})
	for api, open := range map[string]func(agent.ProviderConfig) (agent.Model, error){"openai": openai.New, "anthropic": anthropic.New, "script": script.Open} {
		if err := agents.Register(api, open); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []nodes.Spec{agents.Spec(), memories.Spec()} {
		if err := kinds.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return kinds
}

// TestCarryFiles: the tasks of all graphs of the repository come back as they were.
func TestCarryFiles(t *testing.T) {
	t.Parallel()
	kinds := fileKinds(t)
	files, tasks, secrets, bound := 0, 0, 0, 0
	var check func(path string, g *graph.Graph)
	check = func(path string, g *graph.Graph) {
		r := rolled{rand.New(rand.NewPCG(1, uint64(len(path))))}
		for i := range g.Nodes {
			n := &g.Nodes[i]
			for range 20 {
				env := drawn(g, n, r)
				var with any
				if n.With != nil {
					v, err := n.With.Defer(env)
					if err != nil {
						continue // such a task has failed
					}
					with = v
				}
				b := g.Bind(n, env)
				checkCarried(t, g, i, with, b)
				tasks++
				if !b.IsZero() {
					bound++
				}
				if holdsSecret(with) {
					secrets++
				}
			}
		}
		for _, inner := range g.Inner() {
			check(path, inner)
		}
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		if src, _ := dsl.Load(path, kinds); src != nil && src.Graph != nil {
			files++
			check(path, src.Graph)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d tasks, %d with secrets, %d that evaluate something", files, tasks, secrets, bound)
	if files < 15 || tasks < 500 || secrets < 20 || bound < 20 {
		t.Errorf("only %d files, %d tasks, %d with secrets, %d that evaluate something", files, tasks, secrets, bound)
	}
}
