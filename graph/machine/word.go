package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// wordType is what an answer on a call is.
var wordType = schema.ObjectOf(
	schema.Prop{Name: "approved", Type: schema.BooleanType, Required: true},
	schema.Prop{Name: "comment", Type: schema.StringType.OrNull()},
	schema.Prop{Name: "by", Type: schema.StringType.OrNull()},
)

// answerCall accepts a word on a call. It is durable with the next Ready, and the task
// continues when all its calls have theirs.
func (m *Machine) answerCall(i int, in Answer) error {
	word, err := m.wordOf(in)
	if err == nil && m.sameWord(i, in, word) {
		return nil
	}
	w, call, lost := m.asks(i, in)
	switch {
	case lost != nil:
		return lost
	case err != nil:
		return &AnswerError{Node: in.Node, Expected: wordType.String(), Err: err}
	case w.Late(in.At):
		return fmt.Errorf("%w any more: the time of %q was over at %s", ErrNotWaiting, in.Node, w.Ends().Format(time.RFC3339))
	case in.For == "" && in.Call == "" && in.At.Sub(w.Since) < youngQuestion && m.answers.nodes[question{w.Node, w.Item}] > answered(w):
		return &StaleAnswerError{Node: in.Node, ID: w.ID(), Since: w.Since}
	}
	if word.Args, err = m.argsOf(call, in, word); err != nil {
		return err
	}
	t, r := m.find(w.Task())
	if t == nil {
		return fmt.Errorf("%w: %q (%s)", ErrNotWaiting, in.Node, m.waitingNames())
	}
	m.at = in.At
	word.By = in.By
	word.Wave, word.Began, word.Node, word.Item, word.Attempt, word.Call = r.w.number, m.began(r.w), w.Node, w.Item, t.attempt, call.ID
	id := w.ID() + "/" + call.ID
	m.emit(word)
	m.answers.add(m, id, w.Node, w.Item, sumOfWord(word))
	m.goOn(t, r)
	return nil
}

// answered counts the calls of a question that have their words.
func answered(w *journal.Waiting) (n int) {
	for k := range w.Calls {
		if w.Calls[k].Answered {
			n++
		}
	}
	return n
}

// wordOf reads an answer as a word on a call. A failure is a no.
func (m *Machine) wordOf(in Answer) (*journal.TaskAnswered, error) {
	if in.Failure != nil {
		return &journal.TaskAnswered{Comment: m.maskText(in.Failure.Message), Args: in.Args}, nil
	}
	copied, err := value.CopyOf(in.Output)
	if err != nil {
		return nil, err
	}
	v, err := wordType.Check("output", copied.Any())
	if err != nil {
		return nil, err
	}
	fields, _ := m.mask(v).(map[string]any)
	b := &journal.TaskAnswered{}
	b.Approved, _ = fields["approved"].(bool)
	b.Comment, _ = fields["comment"].(string)
	b.As, _ = fields["by"].(string)
	args, err := value.CopyOf(in.Args)
	if err != nil {
		return nil, fmt.Errorf("args: %w", err)
	}
	if b.Approved {
		b.Args = m.mask(args.Any())
	}
	return b, nil
}

// argsOf checks the arguments that a call is to be made with, by the type of the tool if
// it is the graph's own. A replay has them as they were checked.
func (m *Machine) argsOf(call *journal.Call, in Answer, word *journal.TaskAnswered) (any, error) {
	if !word.Approved || in.Args == nil {
		return nil, nil
	}
	given, err := value.CopyOf(in.Args)
	if err != nil {
		return nil, err
	}
	v, expected := given.Any(), "object"
	switch k := slices.IndexFunc(m.g.Tools, func(t graph.Tool) bool { return t.Name == call.Tool }); {
	case m.pace != nil:
	case k >= 0 && m.g.Tools[k].Args != nil:
		expected = m.g.Tools[k].Args.String()
		v, err = m.g.Tools[k].Args.Check("args", v)
	default:
		if _, ok := v.(map[string]any); !ok {
			err = fmt.Errorf("args: expected an object")
		}
	}
	if size := value.Size(v); err == nil && size > MaxStepBytes {
		err = fmt.Errorf("args have %d bytes, at most %d are allowed", size, MaxStepBytes)
	}
	if err != nil {
		return nil, &AnswerError{Node: in.Node, Expected: expected, Err: err}
	}
	return m.mask(v), nil
}

// sameWord reports whether the call that an answer is for has that word already.
func (m *Machine) sameWord(i int, in Answer, word *journal.TaskAnswered) bool {
	sum := sumOfWord(word)
	if in.For != "" {
		// Without a call it is for what is open of the question.
		open := in.Call == "" && slices.ContainsFunc(m.cur.Asking, func(w journal.Waiting) bool { return w.Node == in.Node && w.ID() == in.For })
		return !open && m.answers.hasWord(in.Node, in.For, in.Call, sum)
	}
	r := m.runOf(i)
	if r == nil {
		return false
	}
	var last *journal.TaskAnswered
	for x := r.first; x < r.first+r.n; x++ {
		t := &r.w.tasks[x]
		if in.Item != "" && t.item != in.Item {
			continue
		}
		if in.Call == "" && m.waits(t, r) { // it is for what is open
			return false
		}
		for _, b := range t.words {
			if in.Call == "" || b.Call == in.Call {
				last = b
			}
		}
	}
	return last != nil && sumOfWord(last) == sum
}

// asks finds the call that an answer is for, and its question.
func (m *Machine) asks(i int, in Answer) (w *journal.Waiting, call *journal.Call, err error) {
	var items []string
	var open []journal.Call // of the questions that the answer may be for
	matches := 0
	for k := range m.cur.Asking {
		q := &m.cur.Asking[k]
		if q.Node != in.Node || in.Item != "" && q.Item != in.Item || in.For != "" && q.ID() != in.For {
			continue
		}
		for x := range q.Calls {
			c := &q.Calls[x]
			if c.Answered {
				continue
			}
			open = append(open, *c)
			if in.Call != "" && c.ID != in.Call {
				continue
			}
			if !slices.Contains(items, q.Item) {
				items = append(items, q.Item)
			}
			w, call = q, c
			matches++
		}
	}
	switch {
	case in.For != "" && len(open) == 0:
		return nil, nil, fmt.Errorf("%w any more: the question %q is over, or never was (%s)", ErrNotWaiting, in.For, m.waitingNames())
	case len(open) == 0:
		return nil, nil, fmt.Errorf("%w: %q (%s)", ErrNotWaiting, in.Node, m.waitingNames())
	case len(items) > 1:
		return nil, nil, &CallsError{Node: in.Node, Call: in.Call, Waiting: open, Items: items}
	case matches != 1:
		return nil, nil, &CallsError{Node: in.Node, Item: in.Item, Call: in.Call, Waiting: open}
	}
	return w, call, nil
}

// sumOfWord stands for a word, so that only its sum has to be kept.
func sumOfWord(b *journal.TaskAnswered) string {
	return sumOf([]any{b.Approved, b.Comment, b.As, b.Args}, nil)
}

// hasWord reports whether a call of the question of this id was answered like that; ""
// stands for any of its calls.
func (a *answers) hasWord(node, id, call, sum string) bool {
	if call != "" {
		return a.has(node, id+"/"+call, sum)
	}
	for q, given := range a.sums { // in any order: whether there is one
		if q.node == node && strings.HasPrefix(q.id, id+"/") && given == sum {
			return true
		}
	}
	return false
}
