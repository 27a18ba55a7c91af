package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/runtime"
)

func memoryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:       "memory reembed GRAPH|FILE NAME",
		Short:     "Make the vectors of a memory again, with the model that the graph names now",
		ValidArgs: []string{"reembed"},
		Args:      arguments(3, 3, "reembed GRAPH|FILE NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "reembed" {
				return usagef("memory %q: expected reembed", args[0])
			}
			return a.reembed(cmd.Context(), args[1], args[2])
		},
	}
}

// reembeddedJSON is what `memory reembed` prints for each memory: that of a graph, or
// one of each stack.
type reembeddedJSON struct {
	Graph  string `json:"graph"`
	Stack  string `json:"stack,omitempty"`
	Memory string `json:"memory"`
	Model  string `json:"model"`
	memory.Reembedded
}

// reembed owns the store while it works.
func (a *app) reembed(ctx context.Context, name, of string) (err error) {
	var g *graph.Graph
	if !graphName().MatchString(name) || isFile(name) {
		src, err := a.load(name)
		if err != nil {
			return err
		}
		g = src.Graph
	}
	store, err := a.openStore(string(runtime.DurabilityWave))
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, store.Close()) }()
	hash, stacks, graphs := "", []string(nil), []string(nil)
	wanted := name
	if g != nil {
		wanted = g.Name
	}
	var latest journal.Identity
	err = store.Stacks(ctx, func(s runtime.Summary) error {
		if !slices.Contains(graphs, s.Identity.Graph) {
			graphs = append(graphs, s.Identity.Graph)
		}
		if s.Err != nil || s.Identity.Graph != wanted {
			return nil
		}
		stacks = append(stacks, s.Identity.Stack)
		if hash == "" || s.Identity.CreatedAt.After(latest.CreatedAt) {
			hash, latest = s.Cursor.Hash, s.Identity
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case g == nil && hash == "":
		return usagef("no stack in %s is of a graph %q%s", a.db, name, suggestion(name, graphs))
	case g == nil:
		if g, err = inspect.Definition(ctx, store, a.kinds(), hash); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(g.Memories, func(m graph.Memory) bool { return m.Name == of })
	if i < 0 {
		var names []string
		for _, m := range g.Memories {
			names = append(names, m.Name)
		}
		return usagef("graph %q has no memory %q%s", g.Name, of, suggestion(of, names))
	}
	m := &g.Memories[i]
	if m.Embed == "" {
		return usagef("memory %q of graph %q has no `embed`: it has no vectors", m.Name, g.Name)
	}
	if m.Graph {
		stacks = []string{""}
	}
	w := newWork(a, nil)
	task := nodes.Task{Of: g, Graph: g.Name, Dir: g.Dir, Secret: secretsOf(false, onlyGraph(g))}
	embed := func(ctx context.Context, texts []string) ([][]float32, error) {
		return w.agents.Embed(ctx, task, m.Embed, texts)
	}
	for _, stack := range stacks {
		done, err := memory.Reembed(ctx, store, runtime.MemoryOf(g.Name, stack, m), memory.Model(g, m), embed)
		if err != nil {
			return asWork(err)
		}
		if err := a.printReembedded(reembeddedJSON{g.Name, stack, m.Name, m.Embed, done}); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printReembedded(r reembeddedJSON) error {
	if a.json() {
		return a.printJSON(r)
	}
	a.printf("%s: %s have vectors of %s now, %d had them before\n", cmp.Or(r.Stack, r.Graph)+"/"+r.Memory, plural(r.Items, "item"), r.Model, r.Kept)
	return nil
}

// asWork gives a failure of a model the exit code of work that failed.
func asWork(err error) error {
	if f, ok := errors.AsType[*nodes.Error](err); ok {
		return &exitError{exitWorkFailed, f}
	}
	return err
}

// suggestion is what may have been meant, at the end of a message.
func suggestion(name string, known []string) string {
	if help := diag.Suggest(name, known); help != "" {
		return ", " + help
	}
	return ""
}
