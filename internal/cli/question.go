package cli

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// question is what a person may answer with yes or no: an approval, or a call of a tool
// that needs a word.
type question struct {
	in         string // the stack that asks, which does the work of a node or of a call; "" for the stack itself
	stack      string // that commands name, of a question in another stack
	path       string // there
	top        string // the node of the stack itself whose work in does; "" if it is none
	node, item string
	call       string // its id; "" for an approval
	id         string // of the question
	prompt     string
	since      time.Time
}

// questionsOf are the open questions of a stack, in the order of the graph.
func questionsOf(c *journal.Cursor) (list []question) {
	for _, w := range c.Questions() {
		q := question{node: w.Node, item: w.Item, id: w.ID(), since: w.Since}
		for _, call := range w.Calls {
			q.call, q.prompt = call.ID, "call "+call.Tool+" "+value.String(call.Args)
			list = append(list, q)
		}
		if q.prompt = w.Prompt(); len(w.Calls) == 0 && inspect.AsksPerson(&w) {
			list = append(list, q)
		}
	}
	return list
}

// place names where the question stands, in a line.
func (q question) place() string {
	if q.in == "" {
		return taskName(q.node, q.item)
	}
	return oneLine(q.path)
}

// about is the question in one line.
func (q question) about() string { return q.place() + ": " + oneLine(q.prompt) }

// command is what answers the question; stack is the stack that is looked at.
func (q question) command(self itself, stack string) string {
	if q.in == "" {
		return self.answer(stack, q.node, q.item, q.call)
	}
	return self.answer(q.stack, q.path, "", q.call)
}

// questionOf is the open question of an approval of the stack itself.
func questionOf(list []question, node, item string) (found question, ok bool) {
	i := slices.IndexFunc(list, func(q question) bool { return q.in == "" && q.node == node && q.item == item && q.call == "" })
	if i < 0 {
		return found, false
	}
	return list[i], true
}

// is reports whether it is the same question.
func (q question) is(p question) bool {
	return q.in == p.in && q.node == p.node && q.item == p.item && q.call == p.call && q.id == p.id
}

// newWithin lists the questions of stacks within that were not open before.
func newWithin(before, now []question) (list []question) {
	for _, q := range now {
		if q.in != "" && !slices.ContainsFunc(before, q.is) {
			list = append(list, q)
		}
	}
	return list
}

// progress says how far the elements of a node have come.
type progress struct{ of, done, failed int }

// door leads from a view to the stack that it shows.
type door struct {
	// elements says how far nodes with for_each are, as far as it is known.
	elements func() map[string]progress
	// answer gives a person's word.
	answer func(q question, approved bool) error
}
