package inspect

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Written is At with the last writer of each key of the state, as far as that is known.
func Written(ctx context.Context, store Reader, kinds graph.Kinds, stack string, at journal.Point) (Past, map[string]journal.By, error) {
	then, wrote, err := writtenAt(ctx, store, kinds, stack, at)
	if err != nil {
		return Past{}, nil, err
	}
	by := make(map[string]journal.By, len(then.State))
	for key := range then.State { // in any order: it fills a map
		if w, known := wrote(key); known {
			by[key] = w
		}
	}
	return then, by, nil
}
