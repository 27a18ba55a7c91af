package cli

import (
	"strings"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/web"
)

// readStep reads a step of an agent for the dashboard.
func readStep(name string, content any) (web.Said, bool) {
	if model, ok := strings.CutPrefix(name, agent.ModelStep); ok {
		said := web.Said{Model: true, Name: model}
		if a, err := agent.ReadAnswer(content); err == nil {
			said.Text, said.Refusal = a.Message.Content, a.Refusal
			for _, c := range a.Message.Calls {
				call := web.SaidCall{Name: c.Name, Args: c.Args}
				if c.Text != "" {
					call.Args = c.Text
				}
				said.Calls = append(said.Calls, call)
			}
		}
		return said, true
	}
	if tool, ok := strings.CutPrefix(name, agent.ToolStep); ok {
		said := web.Said{Name: tool}
		if d, err := agent.ReadDone(content); err == nil {
			said.Text = d.Text
		}
		return said, true
	}
	return web.Said{}, false
}
