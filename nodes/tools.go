package nodes

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// Toolbox runs the tools of graphs for the tasks of one process. It is safe for
// concurrent use; make it with NewToolbox.
type Toolbox struct {
	kinds   *Registry
	session *Session

	mu     sync.Mutex
	limits map[limited]chan struct{}
}

// limited is a tool whose calls are limited. A changed limit is another one.
type limited struct {
	graph, tool string
	parallel    int
}

// Call is a call of a tool, for a driver.
type Call struct {
	*graph.Tool
	Key     string // CallKey
	Numbers string // of the calls above it and its own, as in "2.1"
	Try     int    // from 1, of one call of Tool.Call
}

// NewToolbox makes a toolbox of the kinds that are open in a session.
func NewToolbox(kinds *Registry, session *Session) *Toolbox {
	return &Toolbox{kinds: kinds, session: session, limits: map[limited]chan struct{}{}}
}

// Equip gives a task what it may call and evaluate. t is the task as the driver has it,
// with its steps, words, secrets and hooks; what belongs to calls of tools is taken out of
// its steps and words. A step `tool:NAME` whose content has a `number` says that the call
// of this number is over. runner makes the work of kinds that run a graph (graph.Kind.Runs);
// nil if the driver runs none. What such work uses the driver counts as it happens: the
// result of the call says it too, so that an agent keeps to its budget, and its step does
// not.
func (b *Toolbox) Equip(t *Task, bound graph.Bound, runner func(Call) Node) {
	b.equip(t, bound, "", runner)
}

// equip is Equip for a task, or for the call with these numbers.
func (b *Toolbox) equip(t *Task, bound graph.Bound, numbers string, runner func(Call) Node) {
	if bound.Where != nil {
		t.Where = bound.Where.Holds
	}
	if servers := bound.Servers; len(servers) > 0 {
		t.ServerWord = func(server, tool string, args any) (bool, error) {
			for i := range servers {
				if s := &servers[i]; s.Server == server && s.Tool == tool {
					return s.NeedsWord(args)
				}
			}
			return false, nil
		}
	}
	if len(bound.Tools) == 0 {
		return
	}
	below := split(t)
	for i := range bound.Tools {
		c := &caller{box: b, bound: bound.Tools[i], t: *t, above: numbers, runner: runner, below: below}
		t.Tools = append(t.Tools, Tool{Tool: c.bound.Tool, NeedsWord: c.needsWord, Call: c.call})
	}
	if ask := t.Ask; ask != nil {
		t.Ask = ownCalls(ask)
	}
}

// CallCleaner is a Cleaner that may leave something behind when it is the work of tools.
// CleanUpCalls ends what is left of the calls of a task (IsCallOf); t has no With.
type CallCleaner interface {
	Cleaner
	CleanUpCalls(ctx context.Context, t Task) error
}

// CleanUp ends what an attempt left behind that called tools and that a crash cut off.
// calls are what it may have called.
func (b *Toolbox) CleanUp(ctx context.Context, t Task, g *graph.Graph, calls []graph.ToolName) error {
	var errs []error
	for name := range kindsOf(g, calls, map[string]bool{}) {
		spec, _ := b.kinds.Spec(name)
		if c, ok := spec.Node.(CallCleaner); ok {
			errs = append(errs, c.CleanUpCalls(ctx, t))
		}
	}
	return errors.Join(errs...)
}

// kindsOf are the kinds of the graph's own tools among calls, and of those that they call.
// No tool calls itself.
func kindsOf(g *graph.Graph, calls []graph.ToolName, into map[string]bool) map[string]bool {
	for _, c := range calls {
		if c.Of == graph.OwnTool {
			t := &g.Tools[c.Index]
			into[t.Kind.Name] = true
			kindsOf(g, t.Calls, into)
		}
	}
	return into
}

// caller makes the calls of one tool for one task.
type caller struct {
	box    *Toolbox
	bound  graph.BoundTool
	t      Task   // that calls
	above  string // the numbers of the call that t is; "" if it is a whole task
	runner func(Call) Node
	below  *below
}

func (c *caller) needsWord(args any) (bool, error) {
	word, err := c.bound.NeedsWord(args)
	if err != nil {
		return false, c.masked(&Error{Kind: "expression", Message: err.Error(), Permanent: true})
	}
	return word, nil
}

// named is the idempotency key of a call, and its numbers.
func (c *caller) named(number int) (key, numbers string) {
	if c.above == "" {
		return CallKey(c.t.Key, number), strconv.Itoa(number)
	}
	return callBelow(c.t.Key, number), c.above + "." + strconv.Itoa(number)
}

// call is Tool.Call.
func (c *caller) call(ctx context.Context, number int, args any, rerun bool) (Result, error) {
	release, err := c.box.enter(ctx, c.t.Graph, c.bound.Tool)
	if err != nil {
		return Result{}, err
	}
	defer release()
	with, err := c.bound.Configure(args)
	if err != nil {
		return Result{}, c.masked(&Error{Kind: "expression", Message: bounded(err.Error()), Permanent: true})
	}
	scope := c.below.scope(c.bound.Name, number)
	var tokens int64
	var cost float64
	for try := 1; ; try++ {
		res, e := c.try(ctx, scope, number, try, with, rerun && try == 1)
		switch {
		case e == nil && res.Held():
			return Result{Tokens: res.Tokens + tokens, Cost: res.Cost + cost}, ErrHeld
		case e == nil:
			res.Tokens, res.Cost = res.Tokens+tokens, res.Cost+cost
			return res, nil
		}
		tokens, cost = tokens+e.Tokens, cost+e.Cost
		e.Tokens, e.Cost = tokens, cost
		wait, again := c.again(try, e)
		if !again || ctx.Err() != nil {
			return Result{}, c.masked(e)
		}
		scope.failed(e)
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return Result{}, c.masked(e)
		}
	}
}

// try is one attempt of a call.
func (c *caller) try(ctx context.Context, scope *scope, number, try int, with any, rerun bool) (Result, *Error) {
	tool := c.bound.Tool
	if tool.Kind.Inline {
		return c.inline(with)
	}
	spec, known := c.box.kinds.Spec(tool.Kind.Name)
	key, numbers := c.named(number)
	if spec.Kind = tool.Kind; tool.Kind.Runs && c.runner != nil {
		spec.Node = c.runner(Call{Tool: tool, Key: key, Numbers: numbers, Try: try})
	}
	if !known || spec.Node == nil {
		return Result{}, &Error{Kind: "config", Permanent: true, Message: "kind " + tool.Kind.Name + " is not for tools"}
	}
	t := c.t
	t.Tool, t.Key, t.Attempt, t.With, t.Written, t.Rerun = tool.Name, key, try, with, nil, rerun
	if tool.Def != nil {
		t.Written = tool.Def.With
	}
	t.Output, t.Retry = tool.Output, tool.Retry
	t.Tools, t.ServerWord, t.Where, t.Delta = nil, nil, nil, nil
	if t.Note != nil {
		t.Note = func(text string) { c.t.Note(tool.Name + ": " + text) }
	}
	if t.Logger != nil {
		t.Logger = t.Logger.With(slog.String("tool", tool.Name), slog.Int("call", number))
	}
	scope.enter(&t)
	c.box.equip(&t, c.bound.Own, numbers, c.runner)
	ctx = context.WithValue(ctx, stepKey{}, nil) // what it spends is not that of a step
	if tool.Timeout > 0 {
		limit, cancel := context.WithTimeoutCause(ctx, tool.Timeout, Errorf("timeout", "timed out after %s", tool.Timeout))
		defer cancel()
		ctx = limit
	}
	res, e := c.run(ctx, spec, t)
	if e != nil || res.Held() {
		return res, e
	}
	return c.finished(res)
}

// run does the work on a goroutine of its own: it may end that, and the caller continues.
func (c *caller) run(ctx context.Context, spec Spec, t Task) (res Result, e *Error) {
	e = Errorf("panic", "the tool ended its goroutine (runtime.Goexit)")
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, e = c.box.session.Run(ctx, spec, t)
	}()
	<-done
	return res, e
}

// finished checks and masks what a call gave.
func (c *caller) finished(res Result) (Result, *Error) {
	if def := c.bound.Def; def != nil && def.Output != nil && c.bound.Output != nil {
		v, err := c.bound.Output.Check("output", res.Output)
		if err != nil {
			return Result{}, &Error{Kind: "output", Message: err.Error(), Tokens: res.Tokens, Cost: res.Cost}
		}
		res.Output = v
	}
	if hide := c.t.Mask; hide != nil {
		res.Output = maskedValue(hide, res.Output)
		if t := res.Talk; t != nil {
			t.Messages, t.Usage = maskedValue(hide, t.Messages), maskedValue(hide, t.Usage)
		}
		for i := range res.Memory {
			w := &res.Memory[i]
			w.ID, w.Text, w.Data = hide(w.ID), hide(w.Text), maskedValue(hide, w.Data)
		}
	}
	return res, nil
}

// inline is a call of a kind without work: its output is the `with`.
func (c *caller) inline(with any) (Result, *Error) {
	if with == nil {
		with = map[string]any{}
	}
	out, err := value.Fill(with, func(string) (string, bool) { return "***", true })
	if err != nil {
		return Result{}, &Error{Kind: "expression", Message: bounded(err.Error()), Permanent: true}
	}
	v, err := value.Of(out)
	if err == nil && v.Size() > MaxOutput {
		err = errors.New("it is too large")
	}
	if err != nil {
		return Result{}, &Error{Kind: "output", Message: bounded("the output: " + err.Error()), Permanent: true}
	}
	return c.finished(Result{Output: v.Any(), value: v})
}

// notRetried are the kinds of failure that another try cannot mend, by default.
var notRetried = []string{"schema", "config", "expression", "cancelled"}

// again says whether another try follows a failure, and after which pause: as after an
// attempt of a node.
func (c *caller) again(try int, e *Error) (wait time.Duration, again bool) {
	r := &c.bound.Retry
	named, hopeless := slices.Contains(r.Errors, e.Kind), slices.Contains(notRetried, e.Kind)
	switch {
	case try >= r.Attempts || e.Kind == "cancelled":
		return 0, false
	case named && hopeless:
	case e.Permanent || r.Errors != nil && !named || r.Errors == nil && hopeless:
		return 0, false
	}
	if !c.holds(e) {
		return 0, false
	}
	d := float64(r.Backoff) * math.Pow(max(r.Factor, 1), float64(try-1))
	if most := float64(r.MaxBackoff); most > 0 {
		if d = min(d, most); float64(e.Wait) > most {
			return 0, false
		}
	}
	if d = min(d, float64(math.MaxInt64/2)); r.Jitter {
		d *= rand.Float64()
	}
	return max(time.Duration(d), e.Wait), true
}

// holds evaluates the condition over a failure that another try has. When it cannot be
// evaluated there is none, and the failure says why.
func (c *caller) holds(e *Error) bool {
	if c.bound.Retry.When == nil {
		return true
	}
	f := journal.Failure{Kind: e.Kind, Message: e.Message, Code: e.Code, Output: e.Output}
	holds, err := c.bound.Retries(f.Value(c.bound.Name))
	if err != nil {
		e.Message = bounded(e.Message + " (retry.when: " + err.Error() + ")")
	}
	return holds && err == nil
}

// enter waits until a call of the tool may begin.
func (b *Toolbox) enter(ctx context.Context, of string, t *graph.Tool) (release func(), err error) {
	if t.Parallel == 0 {
		return func() {}, nil
	}
	which := limited{of, t.Name, t.Parallel}
	b.mu.Lock()
	limit := b.limits[which]
	if limit == nil {
		limit = make(chan struct{}, t.Parallel)
		b.limits[which] = limit
	}
	b.mu.Unlock()
	select {
	case limit <- struct{}{}:
		return func() { <-limit }, nil
	case <-ctx.Done():
		return nil, failure(ctx, ctx.Err())
	}
}

// masked hides the secrets in a failure.
func (c *caller) masked(e *Error) *Error {
	if c.t.Mask != nil {
		e.Message = c.t.Mask(e.Message)
	}
	return e
}

// maskedValue hides secrets in a canonical value, in the names of properties too.
func maskedValue(hide func(string) string, v any) any {
	switch v := v.(type) {
	case string:
		return hide(v)
	case int64, float64:
		if text := value.String(v); hide(text) != text {
			return hide(text)
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = maskedValue(hide, e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v { // in any order: a copy
			out[hide(k)] = maskedValue(hide, e)
		}
		return out
	}
	return v
}
