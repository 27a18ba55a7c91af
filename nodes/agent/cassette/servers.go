package cassette

import (
	"context"
	"io"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// Servers returns servers that ask next and record what it answers.
func (r *Recorder) Servers(next agent.Servers) agent.Servers { return &taping{r, next} }

type taping struct {
	*Recorder
	next agent.Servers
}

// Open opens the servers, where these can be opened.
func (s *taping) Open(ctx context.Context) error {
	if o, ok := s.next.(interface{ Open(context.Context) error }); ok {
		return o.Open(ctx)
	}
	return nil
}

// Close closes them.
func (s *taping) Close() error {
	if c, ok := s.next.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (s *taping) Tools(ctx context.Context, t nodes.Task, server string) ([]agent.ToolSpec, error) {
	tools, err := s.next.Tools(ctx, t, server)
	s.record(t, serverLine{Server: server}, toolsOf(tools), err)
	return tools, err
}

func (s *taping) Call(ctx context.Context, t nodes.Task, server, tool string, args any) (any, error) {
	out, err := s.next.Call(ctx, t, server, tool, args)
	s.record(t, serverLine{Server: server, Tool: tool, Request: jsonText(args)}, out, err)
	return out, err
}

// record writes an exchange that is over.
func (s *taping) record(t nodes.Task, line serverLine, out any, err error) {
	hide := func(text string) string {
		if t.Mask != nil {
			text = masked(t.Mask, text)
		}
		return clip(masked(s.mask, text))
	}
	line.Request = hide(line.Request)
	if err == nil {
		line.Body = hide(jsonText(out))
	} else {
		line.Error = failOf(err)
		line.Error.Message = hide(line.Error.Message)
	}
	s.write(func(id string) any { line.ID = id; return line })
}

// listedTool is a tool in the list of a server, as MCP spells it.
type listedTool struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	InputSchema map[string]any `json:"inputSchema"`
}

func toolsOf(specs []agent.ToolSpec) []listedTool {
	tools := make([]listedTool, len(specs))
	for i, s := range specs {
		tools[i] = listedTool{s.Name, s.Description, s.Args}
	}
	return tools
}
