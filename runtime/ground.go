package runtime

import (
	"log/slog"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
)

// ground is what the attempts of a stack have in common. Nothing in it changes: when the
// stack adopts another graph, the attempts that begin then have another one.
type ground struct {
	id     journal.Identity
	graph  *graph.Graph
	masker *mask.Masker
	secret func(string) (string, bool) // nodes.Task.Secret
	log    *slog.Logger                // masks the secrets
}

func newGround(id journal.Identity, g *graph.Graph, s *secrets, log *slog.Logger) *ground {
	return &ground{id: id, graph: g, masker: s.masker, secret: s.secretOf(g.Secrets), log: log}
}

// describe sets what all attempts of a task have in common.
func (g *ground) describe(t *nodes.Task, n *graph.Node, key journal.TaskKey) {
	t.Stack, t.Graph = g.id.Stack, g.graph.Name
	t.Cycle, t.Wave, t.Node, t.Item = key.Cycle, key.Wave, key.Node, key.Item
	t.Key, t.Written, t.Dir = g.id.TaskKey(key), n.Def.With, g.graph.Dir
	t.Mask = g.masker.Text
}
