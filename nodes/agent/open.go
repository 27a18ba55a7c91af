package agent

import (
	"context"
	"io"

	"github.com/graphrun/graphrun/nodes"
)

var _ nodes.Opener = node{}

// Open opens the MCP servers for as long as the driver runs, where they can be opened.
func (n node) Open(ctx context.Context) error {
	if o, ok := n.agents.cfg.Servers.(interface{ Open(context.Context) error }); ok {
		return o.Open(ctx)
	}
	return nil
}

// Close closes them.
func (n node) Close() error {
	if c, ok := n.agents.cfg.Servers.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
