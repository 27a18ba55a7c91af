package inspect

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Definition compiles a graph that a store keeps.
func Definition(ctx context.Context, store Reader, kinds graph.Kinds, hash string) (*graph.Graph, error) {
	if d, ok := store.(defined); ok {
		return d.definition(ctx, hash)
	}
	kept, err := store.Graph(ctx, hash)
	if err != nil {
		return nil, err
	}
	return Compile(kept, kinds)
}

// Compile makes a runnable graph of a stored one.
func Compile(s journal.StoredGraph, kinds graph.Kinds) (*graph.Graph, error) {
	var def graph.Def
	if err := json.Unmarshal(s.Def, &def); err != nil {
		return nil, fmt.Errorf("stored graph %q: %w", s.Name, err)
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("stored graph %q: %w", s.Name, err)
	}
	return g, nil
}

// WithDefinitions is a Reader whose definitions come compiled, for a caller that keeps
// them: all functions of this package ask definition instead of compiling the stored graph
// each time. definition must be safe for concurrent use if the Reader is used so.
func WithDefinitions(store Reader, definition func(ctx context.Context, hash string) (*graph.Graph, error)) Reader {
	return defined{briefly(store), definition}
}

type defined struct {
	BriefReader
	definition func(ctx context.Context, hash string) (*graph.Graph, error)
}
