package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/web"
)

// readStep reads the answers of models.
func readStep(name string, content any) (web.Said, bool) {
	model, ok := strings.CutPrefix(name, agent.ModelStep)
	if !ok {
		return web.Said{}, false
	}
	a, err := agent.ReadAnswer(content)
	return web.Said{Model: true, Name: model, Text: a.Message.Content}, err == nil
}

// slow is a model that says the first half of its answer, and the rest when it may.
type slow struct{ may <-chan struct{} }

const firstHalf, secondHalf = "I think <b>therefore</b>", " I am."

func (m slow) Ask(ctx context.Context, _ *agent.Request, delta func(string)) (*agent.Response, error) {
	if delta != nil {
		delta(firstHalf)
	}
	select {
	case <-m.may:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &agent.Response{Message: agent.Message{Content: firstHalf + secondHalf}, Stop: agent.StopEnd, Usage: agent.Usage{Input: 3, Output: 5, Reported: true}}, nil
}

const thinking = `graphrun: 1
name: thinking
providers: {mine: {api: slow}}
state: {answer: string?}
nodes:
  think: {uses: agent, with: {model: mine/any, input: "What are you?"}, writes: {answer: output}}
edges: [{to: think, when: state.answer == nil}]
pause: 1h
`

// TestConversation: what a model says is on the page while it speaks, and stands there
// whole once it is recorded.
func TestConversation(t *testing.T) {
	t.Parallel()
	chromium(t)
	may := make(chan struct{})
	agents := agent.New(agent.Config{})
	if err := agents.Register("slow", func(agent.ProviderConfig) (agent.Model, error) { return slow{may}, nil }); err != nil {
		t.Fatal(err)
	}
	kinds := std.Registry()
	if err := kinds.Register(agents.Spec()); err != nil {
		t.Fatal(err)
	}
	s := newServerOf(t, kinds, thinking)
	p := s.open(t, look{})
	p.text("#live", "live")
	s.start(t, "thinking", "descartes", nil)
	p.visit("/stacks/descartes")
	p.text("[id^=talk-] h3", "think")
	p.text("#live", "live")
	close(may)
	p.text("[id^=talk-] .turn .words", firstHalf+secondHalf)
	p.until(`!document.querySelector(".saying")`)
	p.text("#key-answer", "I am.")
}

// TestSpeech: pieces of what a model says go into the page one after the other.
func TestSpeech(t *testing.T) {
	t.Parallel()
	chromium(t)
	may := make(chan struct{})
	agents := agent.New(agent.Config{})
	say := make(chan func(string), 1)
	if err := agents.Register("slow", func(agent.ProviderConfig) (agent.Model, error) { return speaker{say, may}, nil }); err != nil {
		t.Fatal(err)
	}
	kinds := std.Registry()
	if err := kinds.Register(agents.Spec()); err != nil {
		t.Fatal(err)
	}
	s := newServerOf(t, kinds, thinking)
	p := s.open(t, look{})
	s.start(t, "thinking", "descartes", nil)
	p.visit("/stacks/descartes")
	p.text("[id^=talk-] h3", "think")
	p.text("#live", "live")
	delta := <-say
	delta(firstHalf)
	p.text(".saying", firstHalf)
	delta(secondHalf)
	p.text(".saying", firstHalf+secondHalf)
	if n := value[float64](p, `document.querySelectorAll(".saying b").length`); n != 0 {
		t.Error("what a model says is taken for elements")
	}
	close(may)
	p.text("[id^=talk-] .turn .words", "done")
	p.until(`!document.querySelector(".saying")`)
}

// speaker is a model that the test speaks for.
type speaker struct {
	say chan<- func(string)
	may <-chan struct{}
}

func (m speaker) Ask(ctx context.Context, _ *agent.Request, delta func(string)) (*agent.Response, error) {
	m.say <- delta
	select {
	case <-m.may:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &agent.Response{Message: agent.Message{Content: "done"}, Stop: agent.StopEnd, Usage: agent.Usage{Input: 3, Output: 5, Reported: true}}, nil
}
