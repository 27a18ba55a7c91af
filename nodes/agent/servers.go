package agent

import (
	"context"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// Servers are the MCP servers of the graphs of a process. It is safe for concurrent use.
type Servers interface {
	// Tools lists the tools of a server that the graph lets be called, by their names on
	// the server. It starts the server if it has to. Errors are *nodes.Error.
	Tools(ctx context.Context, t nodes.Task, server string) ([]ToolSpec, error)
	// Call calls one tool and returns its output: structured content before text. Errors
	// are *nodes.Error.
	Call(ctx context.Context, t nodes.Task, server, tool string, args any) (output any, err error)
}

// Memory searches and writes the memories of graphs. It is safe for concurrent use.
type Memory interface {
	// Search returns the list of {id, text, data, score}, the best first.
	Search(ctx context.Context, t nodes.Task, memory, query string, limit int) (output any, err error)
	// Write makes a write of an item, which belongs into the Result of the task: it takes
	// effect with the commit of the task's writes. An empty id follows from key.
	Write(ctx context.Context, t nodes.Task, memory, id, key, text string, data any) (output any, w journal.MemoryWrite, err error)
}
