package work

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
)

// Describe sets what all attempts of a task of node n have in common, the cleaning up after
// them included.
func Describe(t *nodes.Task, id *journal.Identity, g *graph.Graph, n *graph.Node, key journal.TaskKey, m *mask.Masker) {
	t.Stack, t.Graph = id.Stack, g.Name
	t.Cycle, t.Wave, t.Node, t.Item = key.Cycle, key.Wave, key.Node, key.Item
	t.Key, t.Written, t.Dir = id.TaskKey(key), n.Def.With, g.Dir
	t.Mask = m.Text
}

// Failure is what a journal keeps of the failure of an attempt. It is not masked yet.
func Failure(e *nodes.Error) journal.Failure {
	return journal.Failure{Kind: e.Kind, Message: e.Message, Permanent: e.Permanent, Limit: e.Limit, Code: e.Code, Output: e.Output}
}
