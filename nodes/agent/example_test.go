package agent_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// echo is a provider of one's own. A real one would send the question to its service.
type echo struct{ provider string }

func (e echo) Ask(_ context.Context, q *agent.Request, delta func(string)) (*agent.Response, error) {
	last := q.Messages[len(q.Messages)-1].Content
	text := fmt.Sprintf("%s/%s read %q", e.provider, q.Model, last)
	if delta != nil {
		delta(text) // a model that streams calls it for each piece
	}
	return &agent.Response{
		Message: agent.Message{Content: text},
		Stop:    agent.StopEnd,
		Usage:   agent.Usage{Input: int64(len(last)), Output: int64(len(strings.Fields(text))), Reported: true},
	}, nil
}

// A program brings an API of its own, which graphs then name in `api`.
func ExampleAgents_Register() {
	agents := agent.New(agent.Config{})
	err := agents.Register("echo", func(c agent.ProviderConfig) (agent.Model, error) {
		return echo{c.Name}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	kinds := std.Registry()
	if err := kinds.Register(agents.Spec()); err != nil { // after the APIs
		fmt.Println(err)
		return
	}
	source, problems := dsl.Compile("answer.graphrun.yaml", []byte(`
graphrun: 1
name: answer
providers: {mine: {api: echo}}
state: {answer: string?, used: integer}
nodes:
  answer:
    uses: agent
    with: {model: mine/any, input: "Does it work?"}
    writes: {answer: output, used: usage.output_tokens}
edges: [{to: answer}]
stop: state.answer != nil
`), kinds)
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	ctx := context.Background()
	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: kinds})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx)
	stack, err := rt.Start(ctx, source.Graph, runtime.StartOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := stack.Wait(ctx)
	fmt.Println(result.State["answer"], result.State["used"], err)
	// Output: mine/any read "Does it work?" 5 <nil>
}
