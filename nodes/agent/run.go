package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// node is the work of the kind.
type node struct{ agents *Agents }

// run is one attempt of a task. What the task did before follows from its steps; from
// there on it asks and calls, and records each answer and each result before it continues.
type run struct {
	agents *Agents
	t      nodes.Task
	o      options
	log    *slog.Logger

	models  []choice
	model   int // of models: the one that answered last
	tools   *toolset
	wants   *wanted // the declared output; nil means text
	talk    *talk
	scratch int // where the messages begin that `messages` does not keep; -1 if there are none

	mu      sync.Mutex // what calls change that run at the same time
	done    map[string]Done
	total   Used // of the whole task
	spent   Used // of this attempt
	marked  map[string]bool
	words   map[string]nodes.Word
	ids     map[string]bool // of calls, in the whole task
	entries map[int]int     // of a script: how often each has answered

	turns    int // answers, without those that are forgotten
	asked    int // calls, likewise
	number   int // of the next call
	pending  []*pending
	repairs  int
	last     Question // of the last answer; "" before the first
	lastText string
	finished bool
	output   any
	memory   []journal.MemoryWrite
	recalled bool       // the answer whose calls are pending was there before this attempt
	failed   bool       // the last question failed
	held     bool       // the work of a call waits for a word
	live     []*account // of the calls that are not over
	account  *account   // of the call that this agent is the work of; nil if it is none
}

// Run does one attempt.
func (n node) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	r, err := n.agents.begin(ctx, t)
	if err != nil {
		return nodes.Result{}, err
	}
	for !r.finished {
		if len(r.pending) > 0 {
			err = r.call(ctx)
		} else {
			err = r.ask(ctx)
		}
		if err != nil {
			return nodes.Result{}, err
		}
	}
	return nodes.Result{
		Output: r.output,
		Talk:   &journal.Talk{Messages: r.talk.added(), Usage: r.total.value()},
		Memory: r.memory,
	}, nil
}

// begin reads the configuration and what the task did before.
func (a *Agents) begin(ctx context.Context, t nodes.Task) (*run, error) {
	o, err := readOptions(t.With)
	if err != nil {
		return nil, err
	}
	if t.Of == nil {
		return nil, bad("the driver does not say which graph the task is of")
	}
	r := &run{
		agents: a, t: t, o: o, log: t.Logger, scratch: -1, number: 1,
		done: map[string]Done{}, marked: map[string]bool{}, words: map[string]nodes.Word{}, ids: map[string]bool{}, entries: map[int]int{},
	}
	r.account = accountOf(ctx)
	if r.log == nil {
		r.log = a.cfg.Logger
	}
	for _, name := range o.models {
		p, model, err := t.Of.Model(name)
		if err != nil {
			return nil, bad("`model`: %v", err)
		}
		r.models = append(r.models, newChoice(p, model))
	}
	if r.wants, err = newWanted(&t, o.output); err != nil {
		return nil, err
	}
	if r.talk, err = newTalk(o.talk, o.talkTokens); err != nil {
		return nil, err
	}
	if o.hasInput && (o.input != nil || o.talk == nil) {
		r.talk.push(Message{Role: "user", Content: dataText(o.input)})
		r.talk.keepInput()
	} else if len(r.talk.all) == 0 {
		return nil, bad("there is neither `input` nor a message in `messages`")
	}
	if r.tools, err = a.toolsOf(ctx, &t, o.tools); err != nil {
		return nil, err
	}
	for _, w := range t.Words {
		r.words[w.Call] = w
		r.ids[w.Call] = true
	}
	err = r.recall()
	r.report()
	return r, err
}

// dataText is data as a model reads it: text as it is, anything else as JSON.
func dataText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return value.String(v)
}

// recall goes through the steps that the task recorded.
func (r *run) recall() error {
	var end error
	for i := range r.t.Steps {
		s := &r.t.Steps[i]
		switch {
		case isModelStep(s):
			a, err := ReadAnswer(s.Content)
			if err != nil && s.Error == nil {
				return bad("step %d: %v", i+1, err)
			}
			if a.Entry > 0 {
				r.entries[a.Entry]++
			}
			if s.Error != nil {
				r.failed = true
				r.count(a, s.Cost)
				if i := r.indexOf(s.Name); i >= 0 && !s.Void {
					r.model = i
					if a.Over {
						r.model = (i + 1) % len(r.models)
					}
				}
				continue
			}
			r.count(a, s.Cost)
			if s.Void {
				r.total.Turns++
				r.number = max(r.number, a.First+len(a.Message.Calls)) // a forgotten call keeps its key
				for _, c := range a.Message.Calls {
					r.ids[c.ID] = true
				}
				continue
			}
			r.failed = false
			if i := r.indexOf(s.Name); i >= 0 {
				r.model = i
			}
			if end != nil {
				continue
			}
			r.settle()
			end = r.answered(a)
			r.recalled = true
		case isToolStep(s):
			d, err := ReadDone(s.Content)
			if err != nil {
				return bad("step %d: %v", i+1, err)
			}
			if s.Mark {
				r.marked[d.Call] = !s.Void && !d.Held
				continue
			}
			r.total.add(d.used(s.Tokens, s.Cost))
			if !s.Void {
				r.done[d.Call] = d
			}
		}
	}
	if r.failed && !r.t.Rerun {
		r.model = 0 // the attempt before ended so: the list is tried from its beginning
	}
	if end != nil {
		return end
	}
	r.settle()
	return nil
}

// indexOf is the model of a step; -1 if it is not in the list any more.
func (r *run) indexOf(step string) int {
	return slices.IndexFunc(r.models, func(c choice) bool { return ModelStep+c.name == step })
}

// count adds what an answer used.
func (r *run) count(a Answer, cost float64) {
	r.total.add(Used{Input: a.Input, Output: a.Output, Cost: cost, Estimated: a.Estimated})
}

// answered takes an answer that is recorded: what follows from it.
func (r *run) answered(a Answer) error {
	r.turns++
	r.total.Turns++
	r.report()
	for _, c := range a.Message.Calls {
		r.ids[c.ID] = true
	}
	switch a.Stop {
	case StopLength:
		return r.limit("the answer was cut at the limit of tokens (`max_tokens`, or that of the model)")
	case StopRefusal:
		return nodes.Permanent(nodes.Errorf("model", "the model refused to answer%s", after(": ", a.Refusal)))
	}
	r.lastText = a.Message.Content
	if a.Question != Work {
		a.Message.Calls = nil // there were no tools: such calls are none
	}
	switch calls := len(a.Message.Calls); {
	case calls > 0:
		if r.asked+calls > r.o.maxCalls {
			return r.limit("the model asked for %s after %d; `max_calls` is %d, so none of them was made", counted(calls, "more call"), r.asked, r.o.maxCalls)
		}
		r.last = Work
		r.push(a.Message)
		for i, c := range a.Message.Calls {
			r.pending = append(r.pending, &pending{call: c, number: a.First + i})
		}
		r.asked += calls
		r.number = a.First + calls
		return nil
	case a.Stop == StopPause:
		r.push(a.Message)
		return nil
	}
	return r.judge(a)
}

// push adds a message that stays in the conversation.
func (r *run) push(m Message) {
	if r.scratch >= 0 {
		r.talk.back(r.scratch)
		r.scratch = -1
	}
	r.talk.push(m)
}

// judge decides what becomes of an answer without calls.
func (r *run) judge(a Answer) error {
	r.last = a.Question
	if r.wants == nil {
		r.push(a.Message)
		r.finished, r.output = true, a.Message.Content
		return nil
	}
	out, problem := r.wants.read(a.Message.Content)
	if problem == "" {
		r.push(a.Message)
		r.finished, r.output = true, out
		return nil
	}
	if a.Question == Repair {
		r.repairs++
	}
	if r.repairs >= maxRepairs {
		e := nodes.Errorf("schema", "the answer does not fit the declared output, also after %d corrections: %s", maxRepairs, problem)
		return e
	}
	if r.scratch < 0 {
		r.scratch = r.talk.mark()
	}
	if strings.TrimSpace(a.Message.Content) != "" || a.Message.Raw != nil {
		r.talk.push(a.Message)
	}
	say := "Now give the result of your work: one JSON value that fits the schema, and nothing else."
	if a.Question != Work {
		say = "This answer does not fit the schema: " + problem + ". Give the whole answer again, as one JSON value that fits, and nothing else."
	}
	r.talk.push(Message{Role: "user", Content: say})
	return nil
}

// maxRepairs is how often an answer is asked for again that does not fit.
const maxRepairs = 2

// next says what the next question is for.
func (r *run) next() Question {
	switch {
	case r.wants == nil:
		return Work
	case r.last == Schema || r.last == Repair:
		return Repair
	case r.last == Work && r.scratch >= 0:
		return Schema
	case r.last == "" && r.tools.empty():
		return Schema
	case r.tools.empty() && r.scratch < 0:
		return Schema
	}
	return Work
}

// limit is kind "limit": for good, unless the node names it.
func (r *run) limit(format string, args ...any) *nodes.Error {
	e := nodes.Errorf("limit", format, args...)
	e.Permanent = true
	for _, kind := range r.t.Retry.Errors {
		if kind == "limit" {
			e.Permanent = false
		}
	}
	return e
}

// record makes a step durable, and gives what it holds from now on. used counts however
// the attempt ends.
func (r *run) record(ctx context.Context, s nodes.StepRecord) (any, error) {
	content, err := value.Of(s.Content)
	if err != nil {
		return nil, nodes.Errorf("output", "step %q: %v", s.Name, err)
	}
	s.Content = content.Any()
	if r.t.Record == nil {
		nodes.Spend(ctx, s.Tokens, s.Cost)
		return s.Content, nil
	}
	got, err := r.t.Record(ctx, s)
	if err != nil {
		nodes.Spend(ctx, s.Tokens, s.Cost) // it is not in the steps, and was used all the same
		return nil, err
	}
	return got, nil
}

func (r *run) note(format string, args ...any) {
	if r.t.Note != nil {
		r.t.Note(fmt.Sprintf(format, args...))
	}
}

func after(sep, text string) string {
	if text == "" {
		return ""
	}
	return sep + text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func joined(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// asNodes finds the *nodes.Error in an error.
func asNodes(err error) *nodes.Error {
	var e *nodes.Error
	if errors.As(err, &e) && e != nil {
		return e
	}
	return nil
}
