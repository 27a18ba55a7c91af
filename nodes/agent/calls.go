package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// pending is a call of the last answer.
type pending struct {
	call    Call
	number  int // of the call within the task
	tool    *tool
	args    any
	changed bool // a person changed the arguments
	account *account
}

// settle puts the results of the last answer's calls into the conversation, in the order
// of the calls, once all are there.
func (r *run) settle() {
	for _, p := range r.pending {
		if _, ok := r.done[p.call.ID]; !ok {
			return
		}
	}
	for _, p := range r.pending {
		d := r.done[p.call.ID]
		r.push(Message{Role: "tool", Content: d.Text, Call: p.call.ID, Name: p.call.Name})
		r.memory = append(r.memory, d.Memory...)
	}
	r.pending = nil
}

// call does the calls of the last answer that have no result yet. It returns nodes.ErrHeld
// when some of them wait for a person's word, or the work of a tool does.
func (r *run) call(ctx context.Context) error {
	var ready []*pending
	var ask []journal.Call
	for _, p := range r.pending {
		if _, ok := r.done[p.call.ID]; ok {
			continue
		}
		refusal, needsWord := r.prepare(p)
		switch {
		case refusal != "":
			if err := r.finish(ctx, p, outcome{}, Done{Text: refusal, Failed: true, Refused: true}, 0); err != nil {
				return err
			}
		case needsWord:
			ask = append(ask, journal.Call{ID: p.call.ID, Tool: p.call.Name, Args: p.args})
		default:
			ready = append(ready, p)
		}
	}
	if len(ask) > 0 {
		if err := r.t.Ask(ctx, ask); err != nil {
			return err
		}
	}
	if err := r.callAll(ctx, ready); err != nil {
		return err
	}
	if len(ask) > 0 || r.held {
		return nodes.ErrHeld
	}
	r.settle()
	return nil
}

// prepare decides whether a call is made. A refusal is what the model reads in place
// of a result.
func (r *run) prepare(p *pending) (refusal string, needsWord bool) {
	p.tool = r.tools.byName[p.call.Name]
	if p.tool == nil {
		return r.unknownTool(p.call.Name), false
	}
	if p.call.Text != "" && p.call.Args == nil {
		return "The call was not made: its arguments are no JSON object.", false
	}
	p.args = p.call.Args
	if p.args == nil {
		p.args = map[string]any{}
	}
	w, answered := r.words[p.call.ID]
	if answered && !w.Approved {
		return "The call was not made: a person rejected it" + after(": ", w.Comment) + ".", false
	}
	if answered && w.Args != nil {
		p.args, p.changed = w.Args, !value.Equal(w.Args, p.args)
	}
	if p.tool.args != nil {
		fit, err := p.tool.args.Check("", p.args)
		if err != nil {
			who := ""
			if p.changed {
				who = " that a person gave"
			}
			return "The call was not made: the arguments" + who + " do not fit: " + strings.TrimPrefix(err.Error(), ": ") + ".", false
		}
		p.args = fit
	}
	if r.marked[p.call.ID] && p.tool.effects == graph.EffectsOnce {
		return "The call was begun and then cut off. It is not known whether it took effect, and it was not made again.", false
	}
	if answered || p.tool.needsWord == nil {
		return "", false
	}
	// A condition that fails says nothing about the call, so a person decides.
	if needs, err := p.tool.needsWord(p.args); err == nil && !needs {
		return "", false
	}
	if r.t.Ask == nil {
		return "The call was not made: a person has to approve it, and nobody can be asked.", false
	}
	return "", true
}

func (r *run) unknownTool(name string) string {
	if r.tools.empty() {
		return fmt.Sprintf("There is no tool %.100q: there are no tools.", name)
	}
	return fmt.Sprintf("There is no tool %.100q. The tools are: %s.", name, strings.Join(r.tools.names(), ", "))
}

// callAll makes calls at the same time: one in the slot of the attempt, and more as far
// as there are free slots. Those for which there is none queue behind it.
func (r *run) callAll(ctx context.Context, calls []*pending) error {
	if len(calls) == 0 {
		return nil
	}
	work := make(chan *pending, len(calls))
	for _, p := range calls {
		work <- p
	}
	close(work)
	seek, stop := context.WithCancel(ctx) // for slots: none is needed when nothing is left to do
	defer stop()
	var mu sync.Mutex
	var first error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	take := func() {
		for p := range work {
			if err := r.make(ctx, p); err != nil {
				fail(err)
				break
			}
		}
		stop()
	}
	var others sync.WaitGroup
	for range len(calls) - 1 {
		others.Go(func() {
			if r.t.Slot == nil {
				take()
				return
			}
			release, err := r.t.Slot(seek)
			if err != nil {
				if seek.Err() == nil {
					fail(err)
				}
				return
			}
			defer release()
			take()
		})
	}
	take()
	others.Wait()
	return first
}

// make makes one call and records what came of it. The error ends the attempt.
func (r *run) make(ctx context.Context, p *pending) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := r.mark(ctx, p, map[string]any{"call": p.call.ID}); err != nil {
		return err
	}
	r.note("calls %s", p.call.Name)
	began := time.Now()
	p.account = r.opened()
	o := r.guarded(ctx, p)
	if p.tool.counted && (o.tokens != 0 || o.cost != 0) {
		o.inner, o.tokens, o.cost = &Used{Input: o.tokens, Cost: o.cost}, 0, 0
	}
	switch {
	case ctx.Err() != nil: // whatever it says: it was cut off
		nodes.Spend(ctx, o.tokens, o.cost)
		return context.Cause(ctx)
	case errors.Is(o.err, nodes.ErrHeld): // it is not over: a later attempt makes this call again, and it continues
		nodes.Spend(ctx, o.tokens, o.cost)
		r.mu.Lock()
		r.held = true
		r.mu.Unlock()
		return r.mark(ctx, p, map[string]any{"call": p.call.ID, "held": true})
	}
	if p.account.used != (Used{}) {
		o.inner = &p.account.used
	}
	return r.finish(ctx, p, o, r.result(p, o), time.Since(began))
}

// mark notes durably that a call with `effects: once` begins, or that it waits for a word:
// then it was not cut off.
func (r *run) mark(ctx context.Context, p *pending, content map[string]any) error {
	if p.tool.effects != graph.EffectsOnce || r.t.Record == nil {
		return nil
	}
	_, err := r.t.Record(ctx, nodes.StepRecord{Name: ToolStep + p.call.Name, Mark: true, Content: content})
	return err
}

// guarded turns a panic of a tool into its failure: a goroutine of the engine must not
// end the process.
func (r *run) guarded(ctx context.Context, p *pending) (o outcome) {
	defer func() {
		if v := recover(); v != nil {
			r.log.ErrorContext(ctx, "a tool panicked", "tool", p.call.Name, "panic", v, "stack", string(debug.Stack()))
			o = outcome{err: nodes.Errorf("panic", "panic: %v", v)}
		}
	}()
	// One with `effects: once` has a mark if it began: without, it never did.
	return p.tool.call(context.WithValue(ctx, accountKey{}, p.account), p.number, p.args, r.recalled && p.tool.effects != graph.EffectsOnce)
}

// result is what the model reads of an outcome.
func (r *run) result(p *pending, o outcome) Done {
	d := Done{Inner: o.inner, Memory: o.memory}
	if size := sizeOf(o.memory); size > maxWrites {
		o.err, d.Memory = nodes.Errorf("limit", "what it writes to memories has %d bytes, at most %d are allowed", size, maxWrites), nil
	}
	switch e := asNodes(o.err); {
	case o.err == nil && o.output == nil:
		d.Text = "null"
	case o.err == nil:
		out, err := value.Of(o.output)
		if err != nil {
			d.Text, d.Failed = "The call failed (output): the output is no JSON value: "+err.Error(), true
			break
		}
		d.Text = dataText(out.Any())
	case e != nil:
		d.Text, d.Failed = "The call failed ("+e.Kind+"): "+e.Message, true
	default:
		d.Text, d.Failed = "The call failed (error): "+o.err.Error(), true
	}
	if r.t.Mask != nil {
		d.Text = r.t.Mask(d.Text) // before it is cut: half a secret is not recognized
	}
	said := ""
	if p.changed {
		d.Args = p.args
		said = "A person changed the arguments of this call to " + value.String(p.args) + ".\n"
	}
	d.Text = said + cutMiddle(strings.ToValidUTF8(d.Text, "\uFFFD"), r.o.maxOutput)
	return d
}

// finish records that a call is over.
func (r *run) finish(ctx context.Context, p *pending, o outcome, d Done, took time.Duration) error {
	d.Call, d.Number = p.call.ID, p.number
	given := d.content()
	got, err := r.record(ctx, nodes.StepRecord{Name: ToolStep + p.call.Name, Content: given, Duration: took, Tokens: o.tokens, Cost: o.cost})
	if err != nil {
		return err
	}
	if !value.Same(got, given) {
		if d, err = ReadDone(got); err != nil {
			return nodes.Errorf("output", "the recorded result cannot be read: %v", err)
		}
	}
	r.mu.Lock()
	r.done[p.call.ID] = d
	used := r.closed(p)
	r.total.add(d.used(o.tokens, o.cost))
	if r.spent.add(used); used == (Used{}) {
		r.spent.add(d.used(o.tokens, o.cost))
	}
	r.mu.Unlock()
	r.report()
	return nil
}

// maxWrites is how much a call may write to memories, in bytes: its step has to hold it.
const maxWrites = 768 << 10

func sizeOf(writes []journal.MemoryWrite) (n int) {
	for i := range writes {
		w := &writes[i]
		n += len(w.Memory) + len(w.ID) + len(w.Text) + len(w.Model) + len(w.Vector) + value.Size(w.Data)
	}
	return n
}

// cutMiddle leaves out the middle of a text that is too long, and says so.
func cutMiddle(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const said = "\n[… %d bytes are left out here …]\n"
	room := max(0, most-len(fmt.Sprintf(said, len(text))))
	head, tail := room-room/2, len(text)-room/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + fmt.Sprintf(said, tail-head) + text[tail:]
}
