package inspect

import "github.com/graphrun/graphrun/graph/journal"

// outcomes are the nodes of a cycle by what they came to. One that failed has also run.
type outcomes struct{ ran, failed, skipped map[string]bool }

func (o *outcomes) tally() Tally { return Tally{len(o.ran), len(o.failed), len(o.skipped)} }

// decided notes a decision. That over a node which continues from an earlier cycle has no
// edges, and is no skip.
func (o *outcomes) decided(b *journal.NodeDecided) {
	switch {
	case b.Run:
		note(&o.ran, b.Node)
	case b.Reason != "waiting" || len(b.Edges) > 0:
		note(&o.skipped, b.Node)
	}
}

// settled notes how the nodes of a commit ended.
func (o *outcomes) settled(b *journal.WaveCommitted) {
	for _, s := range b.Settled {
		switch s.Status {
		case "failed":
			note(&o.failed, s.Node)
		case "skipped": // it ran, and was cancelled
			delete(o.ran, s.Node)
			note(&o.skipped, s.Node)
		}
	}
}

func note(set *map[string]bool, node string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[node] = true
}
