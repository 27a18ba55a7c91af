package graphs_test

import (
	"testing"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
	"github.com/graphrun/graphrun/nodes/agent/openai"
	"github.com/graphrun/graphrun/nodes/agent/script"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
)

// kindsOf says what is different about kinds.
type kindsOf struct {
	script  func(agent.ProviderConfig) (agent.Model, error) // in place of the answers of files
	servers agent.Servers
}

// newKinds are the kinds of the program, with agents and memories of their own.
func newKinds(t *testing.T, of kindsOf) *nodes.Registry {
	t.Helper()
	if of.script == nil {
		of.script = script.Open
	}
	kinds, memories := std.Registry(), &memory.Memories{}
	agents := agent.New(agent.Config{Servers: of.servers, Memory: memories})
	memories.Embed = agents.Embed
	for api, open := range map[string]func(agent.ProviderConfig) (agent.Model, error){
		"openai": openai.New, "anthropic": anthropic.New, "script": of.script,
	} {
		if err := agents.Register(api, open); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []nodes.Spec{agents.Spec(), memories.Spec()} {
		if err := kinds.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return kinds
}
