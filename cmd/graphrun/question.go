package main

import (
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// question is what a person may answer with yes or no: an approval, or a call of a tool
// that needs a word.
type question struct {
	node, item string
	call       string // its id; "" for an approval
	id         string // of the question
	prompt     string
}

// questionsOf are the open questions of a stack, in the order of the graph.
func questionsOf(c *journal.Cursor) (list []question) {
	for _, w := range c.Questions() {
		q := question{node: w.Node, item: w.Item, id: w.ID()}
		for _, call := range w.Calls {
			q.call, q.prompt = call.ID, "call "+call.Tool+" "+value.String(call.Args)
			list = append(list, q)
		}
		if q.prompt = w.Prompt(); len(w.Calls) == 0 && q.prompt != "" {
			list = append(list, q)
		}
	}
	return list
}

// about is the question in one line.
func (q question) about() string { return taskName(q.node, q.item) + ": " + oneLine(q.prompt) }

// command is what answers the question.
func (q question) command(stack string) string { return answerWith(stack, q.node, q.item, q.call) }

// questionOf is the open question of an approval; its prompt is "" if there is none.
func questionOf(list []question, node string) (found question) {
	for _, q := range list {
		if q.node == node && q.call == "" {
			found = q
		}
	}
	return found
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
