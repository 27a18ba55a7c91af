package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

const (
	// maxTold bounds what is shown of one text of a conversation, in bytes; the
	// journal has all of it.
	maxTold = 4 << 10
	// maxFirst is the bound of what an agent begins with.
	maxFirst = 500
	// maxFollowed bounds the tasks whose turns are counted at the same time.
	maxFollowed = 10_000
)

// teller puts records of tasks into words: that they began and ended, and what agents
// and their models and tools said to each other, turn by turn.
type teller struct {
	self  itself
	stack string        // that is asked about
	at    journal.Place // of the node within it whose stack has the records; empty for its own
	node  string        // the only one, with its conversation; "" says in short what all did
	item  string        // the only element; "" means all
	graph *graph.Graph
	// inputs are the first messages of tasks that are over, as far as they are known.
	inputs map[journal.TaskKey]string
	tasks  map[journal.TaskKey]*told
}

// told is what has been said of a task.
type told struct {
	attempt int
	open    bool // the attempt has no end yet
	steps   int
	turns   int
	calls   map[string]agent.Call // of the last answer, by id
	below   map[string]*told      // of calls whose work is an agent, by their place: "ask#2"
}

// under is what has been said of the work of a call.
func (at *told) under(place string) *told {
	if place == "" {
		return at
	}
	if at.below == nil {
		at.below = map[string]*told{}
	}
	if at.below[place] == nil {
		at.below[place] = &told{calls: map[string]agent.Call{}}
	}
	return at.below[place]
}

func newTeller(self itself, stack, node string, g *graph.Graph) *teller {
	return &teller{self: self, stack: stack, node: node, graph: g, inputs: map[journal.TaskKey]string{}, tasks: map[journal.TaskKey]*told{}}
}

// wants reports whether the records of a task are shown.
func (t *teller) wants(key journal.TaskKey) bool {
	return (t.node == "" || t.node == key.Node) && (t.item == "" || t.item == key.Item)
}

// record gives the text of a record; "" for one that is not told. Its first line is about
// the task, the others are indented.
func (t *teller) record(r journal.Record) string {
	key, ok := r.Task()
	if !ok || !t.wants(key) {
		return ""
	}
	at := t.tasks[key]
	if at == nil {
		if len(t.tasks) >= maxFollowed {
			clear(t.tasks)
		}
		at = &told{calls: map[string]agent.Call{}}
		t.tasks[key] = at
	}
	name := placeName(append(slices.Clone(t.at), journal.Spot{Node: key.Node, Item: key.Item}))
	switch b := r.Body.(type) {
	case *journal.TaskStarted:
		return name + " " + t.began(key, at, b)
	case *journal.TaskStep:
		if b.Mark {
			return ""
		}
		at.steps++
		return name + " " + t.step(at, b)
	case *journal.TaskWaiting:
		return name + t.waits(key, b)
	case *journal.TaskAnswered:
		return name + " " + t.answered(at, b)
	case *journal.TaskHeld:
		at.open = false
		return ""
	case *journal.TaskFinished:
		at.open = false
		text := name + " " + finished(b, r.Time) + t.total(b)
		switch {
		case b.RetryAt.IsZero():
			delete(t.tasks, key)
		case b.Error != nil && (b.Error.Kind == "schema" || b.Error.Kind == "limit"):
			at.steps, at.turns, at.below = 0, 0, nil // it begins again
		}
		return text
	}
	return ""
}

// began tells of the beginning of an attempt, with what the agent is to do at the first.
func (t *teller) began(key journal.TaskKey, at *told, b *journal.TaskStarted) string {
	cut := at.open && at.attempt < b.Attempt
	at.attempt, at.open = b.Attempt, true
	switch {
	case cut && at.steps > 0:
		return fmt.Sprintf("continues after a crash or shutdown (attempt %d)", b.Attempt)
	case b.Attempt > 1 && at.steps > 0:
		return fmt.Sprintf("continues (attempt %d)", b.Attempt)
	case b.Attempt > 1:
		return fmt.Sprintf("started (attempt %d)", b.Attempt)
	}
	s := "started"
	if t.node == "" {
		return s
	}
	s += indented("instructions", t.instructions(key.Node), maxFirst)
	return s + indented("input", t.inputs[key], maxFirst)
}

// instructions are those of an agent, as the graph has them.
func (t *teller) instructions(node string) string {
	if t.graph == nil {
		return ""
	}
	for i := range t.graph.Def.Nodes {
		if n := &t.graph.Def.Nodes[i]; n.ID.Value == node && n.Uses.Value == agentKind && n.With != nil {
			if at := n.With.Get("instructions"); at != nil {
				return at.Text.Value
			}
		}
	}
	return ""
}

// agentKind is the kind whose tasks are conversations.
const agentKind = "agent"

// isAgent reports whether a node of a graph is an agent.
func isAgent(g *graph.Graph, node string) bool {
	if g == nil {
		return false
	}
	i, ok := g.NodeByID(node)
	return ok && g.Nodes[i].Kind.Name == agentKind
}

// step tells of a step: what a model said, what a tool answered, or only its name. Before
// the words of an agent that is the work of a call stands the place of the call.
func (t *teller) step(at *told, b *journal.TaskStep) string {
	place, name := calledFrom(b.Name)
	at = at.under(place)
	if place != "" {
		place += " "
	}
	if model, ok := strings.CutPrefix(name, agent.ModelStep); ok && t.node != "" {
		if a, err := agent.ReadAnswer(b.Content); err == nil {
			return place + t.turn(at, model, a, b)
		}
	}
	if tool, ok := strings.CutPrefix(name, agent.ToolStep); ok && t.node != "" {
		if d, err := agent.ReadDone(b.Content); err == nil {
			return place + t.result(at, tool, d, b)
		}
	}
	return stepped(b)
}

// calledFrom splits the name of a step into the place of the call whose work it is a part
// of, as "ask#2" or "ask#2/look#1", "" for a step of the task itself, and its name there.
func calledFrom(step string) (place, name string) {
	_, name = nodes.Below(step)
	above := strings.TrimSuffix(step, name)
	return strings.TrimSuffix(strings.ReplaceAll(above, agent.ToolStep, ""), "/"), name
}

// turn tells of a question to a model and its answer.
func (t *teller) turn(at *told, model string, a agent.Answer, b *journal.TaskStep) string {
	if b.Error != nil {
		return fmt.Sprintf("turn %d: %s failed after %s (%s): %s", at.turns+1, model, brief(b.Duration), b.Error.Kind, oneLine(b.Error.Message)) +
			spent(b.Tokens, b.Cost)
	}
	at.turns++
	s := fmt.Sprintf("turn %d: %s", at.turns, model)
	if a.Model != "" && a.Model != model {
		s += " (" + oneLine(a.Model) + ")"
	}
	switch a.Question {
	case agent.Schema:
		s += ", asked for its answer in the declared type"
	case agent.Repair:
		s += ", asked to mend its answer"
	}
	s += ", " + brief(b.Duration) + spent(b.Tokens, b.Cost)
	if a.Estimated {
		s += " (estimated)"
	}
	switch a.Stop {
	case agent.StopLength:
		s += "; the answer was cut at its limit of tokens"
	case agent.StopRefusal:
		s += "; it refused" + indented("refusal", a.Refusal, maxTold)
	}
	s += indented("says", a.Message.Content, maxTold)
	clear(at.calls)
	for _, c := range a.Message.Calls {
		at.calls[c.ID] = c
		s += indented("calls "+c.Name+" ("+c.ID+")", cmp.Or(c.Text, value.String(c.Args)), maxTold)
	}
	return s
}

// result tells what came of a call.
func (t *teller) result(at *told, tool string, d agent.Done, b *journal.TaskStep) string {
	s := fmt.Sprintf("%s (%s) answered", tool, oneLine(d.Call))
	if d.Failed {
		s = fmt.Sprintf("%s (%s) failed", tool, oneLine(d.Call))
	}
	s += " after " + brief(b.Duration) + spent(b.Tokens, b.Cost)
	if d.Args != nil {
		s += indented("called with", value.String(d.Args), maxTold)
	}
	return s + indented("", d.Text, maxTold)
}

// waits tells of calls that need a word, and how to give it.
func (t *teller) waits(key journal.TaskKey, b *journal.TaskWaiting) string {
	if len(b.Calls) == 0 {
		return " waits"
	}
	s := " waits for a word on " + plural(len(b.Calls), "call")
	for _, c := range b.Calls {
		s += indented("wants to call "+c.Tool+" ("+c.ID+")", value.String(c.Args), maxTold)
		if !c.Answered {
			node, item := key.Node, key.Item
			if len(t.at) > 0 {
				node, item = append(slices.Clone(t.at), journal.Spot{Node: node, Item: item}).String(), ""
			}
			s += "\n    to answer (approve or reject): " + t.self.answer(t.stack, node, item, c.ID)
		}
	}
	return s
}

// answered tells of a person's word.
func (t *teller) answered(at *told, b *journal.TaskAnswered) string {
	who, did := cmp.Or(oneLine(b.As), oneLine(b.By), "somebody"), "rejected"
	if b.Approved {
		did = "approved"
	}
	what, id := "call "+oneLine(b.Call), b.Call
	if i := strings.LastIndexByte(id, '/'); i >= 0 && at.below[id[:i]] != nil {
		at, id = at.below[id[:i]], id[i+1:]
	}
	if c, ok := at.calls[id]; ok {
		what = c.Name + " (" + oneLine(b.Call) + ")"
	}
	s := who + " " + did + " " + what
	if b.Args != nil {
		s += indented("with other arguments", value.String(b.Args), maxTold)
	}
	return s + indented("comment", b.Comment, maxTold)
}

// total is what an agent used in all.
func (t *teller) total(b *journal.TaskFinished) string {
	if b.Talk == nil {
		return spent(b.Tokens, b.Cost)
	}
	u, _ := b.Talk.Usage.(map[string]any)
	n := func(name string) int64 { n, _ := u[name].(int64); return n }
	cost, _ := u["cost"].(float64)
	return ": " + plural(n("turns"), "turn") + ", " + plural(n("calls"), "call") + spent(n("input_tokens")+n("output_tokens"), cost)
}

// indented is a text below a line, with a word before it; "" for none. A text of one line
// follows the word, others begin on the next line. Nothing in it can look like a line of
// the log.
func indented(word, text string, most int) string {
	text = strings.TrimRight(diag.CleanLines(strings.ReplaceAll(text, "\r\n", "\n")), "\n ")
	if text == "" {
		return ""
	}
	more := 0
	if len(text) > most {
		more = len(text)
		text = strings.ToValidUTF8(text[:most], "")
		more -= len(text)
	}
	lines := strings.Split(text, "\n")
	s := "\n    "
	switch {
	case word != "" && len(lines) == 1:
		s += oneLine(word) + ": "
	case word != "":
		s += oneLine(word) + ":\n      "
	}
	s += strings.Join(lines, "\n      ")
	if more > 0 {
		s += fmt.Sprintf(" … (%s more)", plural(more, "byte"))
	}
	return s
}

// firstInput notes what a task that is over began with.
func (t *teller) firstInput(r journal.Record) {
	b, ok := r.Body.(*journal.TaskFinished)
	if !ok || b.Node != t.node || b.Talk == nil || len(t.inputs) >= maxFollowed {
		return
	}
	messages, _ := b.Talk.Messages.([]any)
	if len(messages) == 0 {
		return
	}
	first, _ := messages[0].(map[string]any)
	if text, ok := first["content"].(string); ok && first["role"] == "user" {
		key, _ := r.Task()
		t.inputs[key] = strings.ToValidUTF8(text[:min(len(text), 2*maxFirst)], "")
	}
}
