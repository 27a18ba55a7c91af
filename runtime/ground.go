package runtime

import (
	"log/slog"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
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

func newGround(id journal.Identity, g *graph.Graph, s *work.Secrets, log *slog.Logger) *ground {
	return &ground{id: id, graph: g, masker: s.Masker(), secret: s.Lookup(g.Secrets), log: log}
}

// describe sets what all attempts of a task have in common.
func (g *ground) describe(t *nodes.Task, n *graph.Node, key journal.TaskKey) {
	work.Describe(t, &g.id, g.graph, n, key, g.masker)
}
