package cassette

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// recorded is a recorded exchange with an MCP server.
type recorded struct {
	serverLine
	line int
	used bool
}

// Servers returns MCP servers that answer from the recording. A call that is not in it
// fails with kind "model".
func (p *Player) Servers() agent.Servers { return playing{p} }

type playing struct{ *Player }

// Tools gives the recorded list of a server, again and again if it was recorded once.
// Without one it gives the tools that were called.
func (s playing) Tools(_ context.Context, _ nodes.Task, server string) ([]agent.ToolSpec, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var latest *recorded
	called := map[string]bool{}
	for _, x := range s.servers {
		switch {
		case x.Server != server:
		case x.Tool != "":
			called[x.Tool] = true
		case latest == nil || latest.used:
			latest = x
		}
	}
	if latest == nil && len(called) == 0 {
		return nil, s.unknown("the recording %s has nothing of the server %q", s.name, server)
	}
	if latest == nil {
		specs := make([]agent.ToolSpec, 0, len(called))
		for _, name := range slices.Sorted(maps.Keys(called)) {
			specs = append(specs, agent.ToolSpec{Name: name, Args: map[string]any{"type": "object"}})
		}
		return specs, nil
	}
	latest.used = true
	if latest.Error != nil {
		return nil, latest.Error.err()
	}
	return specsIn(latest.Body)
}

// specsIn reads a recorded list of tools.
func specsIn(body string) ([]agent.ToolSpec, error) {
	v, err := value.Decode([]byte(body))
	if err != nil {
		return nil, &nodes.Error{Kind: "model", Message: fmt.Sprintf("a recorded list of tools is no JSON: %v", err), Permanent: true}
	}
	if m, ok := v.(map[string]any); ok { // as a server sends it
		v = m["tools"]
	}
	list, _ := v.([]any)
	specs := make([]agent.ToolSpec, 0, len(list))
	for _, v := range list {
		m, _ := v.(map[string]any)
		name, _ := m["name"].(string)
		description, _ := m["description"].(string)
		args, _ := m["inputSchema"].(map[string]any)
		specs = append(specs, agent.ToolSpec{Name: name, Description: description, Args: args})
	}
	return specs, nil
}

// Call gives the recorded output of a call, each as often as it was recorded.
func (s playing) Call(_ context.Context, t nodes.Task, server, tool string, args any) (any, error) {
	asked := jsonText(args)
	if t.Mask != nil {
		asked = masked(t.Mask, asked)
	}
	want := argsOf(masked(s.mask, asked))
	s.mu.Lock()
	defer s.mu.Unlock()
	times := 0
	var near *recorded
	for _, x := range s.servers {
		if x.Server != server || x.Tool != tool || x.Tool == "" {
			continue
		}
		if !value.Equal(argsOf(x.Request), want) {
			if near == nil || common(x.Request, asked) > common(near.Request, asked) {
				near = x
			}
			continue
		}
		if times++; x.used {
			continue
		}
		x.used = true
		if x.Error != nil {
			return nil, x.Error.err()
		}
		return argsOf(x.Body), nil
	}
	switch {
	case times > 0:
		return nil, s.unknown("the recording %s has this call of %s/%s %d times, and it was made once more", s.name, server, tool, times)
	case near != nil:
		return nil, s.unknown("the recording %s does not have this call of %s/%s; the nearest is in line %d: %s", s.name, server, tool, near.line,
			differences(meaning{"arguments": argsOf(near.Request)}, meaning{"arguments": want}))
	}
	return nil, s.unknown("the recording %s has no call of %s/%s", s.name, server, tool)
}

func (s playing) unknown(format string, args ...any) error {
	return &nodes.Error{Kind: "model", Message: fmt.Sprintf(format, args...), Permanent: true}
}
