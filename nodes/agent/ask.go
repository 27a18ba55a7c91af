package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// ask puts the next question, to the first model that answers it.
func (r *run) ask(ctx context.Context) error {
	if r.turns >= r.o.maxTurns {
		return r.limit("the model was asked %s, as often as `max_turns` allows, and has not come to an end", counted(r.turns, "time"))
	}
	kind := r.next()
	q := &Request{
		Instructions: r.o.instructions, Messages: r.talk.sent(), Structured: r.o.structured, MaxTokens: r.o.maxTokens,
		Temperature: r.o.temperature, Seed: r.o.seed, Reasoning: r.o.reasoning, Extra: r.o.extra, Stream: r.o.stream, MaxAnswer: r.o.maxAnswer,
		Node: r.t.Node, Turn: r.turns + 1,
	}
	size := len(q.Instructions) + r.talk.sum
	if kind == Work {
		q.Tools, size = r.tools.specs, size+r.tools.bytes
	} else {
		q.Schema, q.SchemaName, size = r.wants.schema, r.wants.name, size+r.wants.bytes
	}
	estimate := int64(size / tokenBytes)
	r.note("turn %d of %d", r.turns+1, r.o.maxTurns)
	var failures []failure
	for i := r.model; i < len(r.models); i++ {
		c := &r.models[i]
		if err := r.affords(estimate, c); err != nil {
			return err
		}
		q.Model = c.model
		a, f, err := r.askModel(ctx, c, kind, q, estimate)
		if err != nil {
			return err
		}
		if f == nil {
			r.model, r.recalled = i, false
			return r.answered(a)
		}
		failures = append(failures, *f)
		if i+1 < len(r.models) {
			r.log.WarnContext(ctx, "a model failed, the next one of the list is asked", "model", c.name, "next", r.models[i+1].name, "error", f.message)
		}
	}
	return failed(failures, &r.t.Retry)
}

// askModel puts a question to one model until it answers, or has failed for good. err
// ends the attempt.
func (r *run) askModel(ctx context.Context, c *choice, kind Question, q *Request, estimate int64) (a Answer, f *failure, err error) {
	cl, err := r.agents.open(c.provider, r.t.Of.Dir, r.t.Secret, r.o.questionTimeout)
	if err != nil {
		return Answer{}, nil, err
	}
	may := func() error { return r.affords(estimate, c) } // the try before may have used something
	f, err = r.agents.persist(ctx, &r.t, cl, c, estimate, may, func(ctx context.Context) (used Used, refused, err error) {
		began := time.Now()
		q.Entries = maps.Clone(r.entries)
		var came int64 // bytes of the answer
		res, failed := cl.model.Ask(ctx, q, func(text string) {
			came += int64(len(text))
			if r.t.Delta != nil {
				r.t.Delta(text)
			}
		})
		if failed == nil { // it is paid, also when ctx has ended
			a, err = r.recordAnswer(ctx, c, kind, res, estimate, time.Since(began))
			return usedBy(c, a), nil, err
		}
		if ctx.Err() != nil {
			lost := wasted(failed, came, estimate)
			used = usedBy(c, lost)
			nodes.Spend(ctx, used.tokens(), used.Cost)
			return used, nil, context.Cause(ctx)
		}
		if e := asNodes(failed); e != nil { // the client knows what kind it is
			return Used{}, nil, e
		}
		said := r.agents.said(failed, cl, c)
		if said.err.Entry > 0 {
			r.entries[said.err.Entry]++
		}
		e := &nodes.Error{Kind: "model", Message: said.message}
		if said.err.Limit {
			e.Kind = "limit"
		}
		lost := wasted(failed, came, estimate)
		lost.Question, lost.Entry = kind, said.err.Entry
		lost.Over = said.err.HasRetryAfter && said.err.RetryAfter > longestWait || !retried(said.err)
		used = usedBy(c, lost)
		_, err = r.record(ctx, nodes.StepRecord{Name: ModelStep + c.name, Duration: time.Since(began), Error: e, Content: lost.content(),
			Tokens: used.tokens(), Cost: used.Cost})
		if err == nil {
			r.use(used)
		}
		if err == nil && said.err.Limit {
			err = r.limit("%s", said.message)
		}
		return used, failed, err
	})
	return a, f, err
}

// wasted is what a question used that failed after a part of its answer had come, which is
// paid all the same: as the provider says, and else estimated by what came.
func wasted(err error, came, estimate int64) Answer {
	var e *Error
	var u Usage
	if errors.As(err, &e) && e != nil {
		came, u = max(came, e.Said), e.Used
	}
	if came == 0 {
		return Answer{}
	}
	a := Answer{Input: u.Input, Cached: u.Cached, Write: u.CacheWrite, Output: max(u.Output, (came+tokenBytes-1)/tokenBytes), Estimated: true}
	if a.Input == 0 {
		a.Input = estimate
	}
	return a
}

// use counts what a question used.
func (r *run) use(u Used) {
	r.mu.Lock()
	r.total.add(u)
	r.spent.add(u)
	r.mu.Unlock()
	r.report()
}

// recordAnswer makes an answer durable, with what it used.
func (r *run) recordAnswer(ctx context.Context, c *choice, kind Question, res *Response, estimate int64, took time.Duration) (Answer, error) {
	u := res.Usage
	a := Answer{Question: kind, Message: res.Message, Stop: res.Stop, Refusal: res.Refusal, Entry: res.Entry,
		Input: u.Input, Cached: u.Cached, Write: u.CacheWrite, Output: u.Output}
	if a.Stop == "" {
		a.Stop = StopEnd
	}
	if !u.Reported {
		a.Estimated = true
		a.Input, a.Cached, a.Write, a.Output = estimate, 0, 0, max(1, int64(bytesOf(&a.Message)/tokenBytes))
	}
	if res.Model != c.model {
		a.Model = res.Model
	}
	a.Message.Role = "assistant"
	if len(a.Message.Calls) > 0 {
		a.First = r.number
		a.Message.Calls = r.identified(a.Message.Calls, a.First)
	}
	used := usedBy(c, a)
	if res.Entry > 0 {
		r.entries[res.Entry]++
	}
	given := a.content()
	got, err := r.record(ctx, nodes.StepRecord{Name: ModelStep + c.name, Content: given, Duration: took, Tokens: used.tokens(), Cost: used.Cost})
	if err != nil {
		return a, err
	}
	r.use(used)
	if !value.Same(got, given) { // as every later attempt reads it
		if a, err = ReadAnswer(got); err != nil {
			return a, nodes.Errorf("output", "the recorded answer cannot be read: %v", err)
		}
	}
	return a, nil
}

// identified gives each call an id that no other call of the task has.
func (r *run) identified(calls []Call, first int) []Call {
	out := make([]Call, len(calls))
	for i, c := range calls {
		id := c.ID
		if id == "" {
			id = fmt.Sprintf("call_%d", first+i)
		}
		for n := 2; r.ids[id]; n++ {
			if id = fmt.Sprintf("%s_%d", c.ID, n); c.ID == "" {
				id = fmt.Sprintf("call_%d_%d", first+i, n)
			}
		}
		r.ids[id] = true
		c.ID = id
		out[i] = c
	}
	return out
}

// perPrice is how many tokens a price is for.
const perPrice = 1_000_000

// usedBy is what an answer of a model used.
func usedBy(c *choice, a Answer) Used {
	return Used{Input: a.Input, Output: a.Output, Cost: costOf(c, a), Estimated: a.Estimated}
}

// costOf is what an answer costs; 0 without a price.
func costOf(c *choice, a Answer) float64 {
	if !c.priced {
		return 0
	}
	p := c.price
	plain := max(0, a.Input-a.Cached-a.Write)
	return (float64(plain)*p.Input + float64(a.Cached)*p.Cached + float64(a.Write)*p.CacheWrite + float64(a.Output)*p.Output) / perPrice
}
