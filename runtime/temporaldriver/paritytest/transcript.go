package paritytest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// Transcript makes a case of a transcript of package graph/machine (testdata/*.txt). Its lines
// are done to the embedded engine, a millisecond after each other, and what that comes to is
// noted: when which attempt ended with what, and when what came from outside.
//
// left are the lines that cannot be done to a driver, or have nothing to be done to: a driver runs
// what it can run at once, and wakes a stack when it is due. After one that ends with …, the others
// are left out too.
func Transcript(t *testing.T, file string) (c *Case, left []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, script, ok := strings.Cut(fromBegin(string(b)), "---\n")
	if !ok {
		t.Fatalf("%s: no --- after the graph", file)
	}
	kinds := MachineKinds()
	def, problems := dsl.Parse("test.yaml", []byte(text))
	if problems.HasErrors() {
		t.Fatalf("%s: %v", file, problems)
	}
	g, problems := graph.Compile(def, kinds)
	if problems.HasErrors() {
		t.Fatalf("%s: %v", file, problems)
	}
	if g, err = Stored(g, kinds); err != nil {
		t.Fatal(err)
	}
	l := &learner{
		c:       &Case{Name: strings.TrimSuffix(filepath.Base(file), ".txt"), Text: text, Kinds: kinds},
		puppets: map[string]*puppet{}, acts: map[Attempt][]act{}, questions: map[string]string{},
	}
	live := *l.c
	live.Work = func(a Attempt) (Reply, bool) { return Reply{Does: l.plays(a)}, true }
	synctest.Test(t, func(t *testing.T) {
		registry, err := live.Registry(Sleep)
		if err != nil {
			t.Fatal(err)
		}
		l.store = &memstore.Store{Cycles: -1}
		l.rt, err = runtime.Open(context.Background(), runtime.Config{Store: l.store, Kinds: registry, Grace: -1, Nonce: func() string { return Nonce }})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(script) {
			if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' || line[0] == ' ' {
				continue
			}
			n++ // no two lines are as far from each other as two others, and nothing is due then
			<-time.After(time.Millisecond + time.Duration(37*n%1000)*time.Microsecond + time.Duration(n))
			synctest.Wait()
			done, goesOn := l.line(t, g, line)
			switch {
			case !goesOn:
				l.left = append(l.left, line+" …")
			case !done:
				l.left = append(l.left, line)
			}
			synctest.Wait()
			if !goesOn {
				break
			}
		}
		l.c.Until = time.Since(Begin) + 30*time.Second + 1
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = l.rt.Close(now)
	})
	l.c.Work = func(a Attempt) (Reply, bool) { return Reply{Does: replays(l.acts[a])}, true }
	return l.c, l.left
}

// epoch is when transcripts begin.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fromBegin has the moments in a transcript follow Begin.
func fromBegin(text string) string {
	return moments().ReplaceAllStringFunc(text, func(m string) string {
		at, err := time.Parse(time.RFC3339, m)
		if err != nil {
			return m
		}
		return Begin.Add(at.Sub(epoch)).Format(time.RFC3339)
	})
}

var moments = late.Regexp(`2026-01-\d\dT\d\d:\d\d:\d\dZ`)

// learner finds out what a transcript means to a driver.
type learner struct {
	c         *Case
	rt        *runtime.Runtime
	store     runtime.Store
	by        string
	left      []string
	questions map[string]string // ids of the transcript, and what they are here

	mu      sync.Mutex
	puppets map[string]*puppet // attempts that run, by NODE or NODE/ITEM
	acts    map[Attempt][]act
}

// puppet is an attempt that does what lines say.
type puppet struct {
	Attempt
	last time.Time
	do   chan act
}

// act is a part of what an attempt does.
type act struct {
	after time.Duration // since the one before
	does  string        // done, fail, step, ask, held
	step  nodes.StepRecord
	calls []journal.Call
	out   nodes.Result
	fails *nodes.Error
}

// perform does an act. It reports whether the attempt is over with it.
func (a *act) perform(ctx context.Context, t nodes.Task) (r nodes.Result, err error, over bool) {
	switch a.does {
	case "step":
		_, _ = t.Record(ctx, a.step) // a refused one changes nothing
	case "ask":
		_ = t.Ask(ctx, a.calls)
	case "held":
		return r, nodes.ErrHeld, true
	case "fail":
		return r, a.fails, true
	case "done":
		return a.out, nil, true
	}
	return r, nil, false
}

// plays is an attempt that does what lines will say.
func (l *learner) plays(a Attempt) func(context.Context, nodes.Task, Wait) (nodes.Result, error) {
	return func(ctx context.Context, t nodes.Task, _ Wait) (nodes.Result, error) {
		p := &puppet{a, time.Now(), make(chan act)}
		name := nameOf(a.Node, a.Item)
		l.mu.Lock()
		l.puppets[name] = p
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.puppets[name] == p {
				delete(l.puppets, name)
			}
		}()
		for {
			select {
			case do := <-p.do:
				if r, err, over := do.perform(ctx, t); over {
					return r, err
				}
			case <-ctx.Done():
				return nodes.Result{}, ctx.Err()
			}
		}
	}
}

// replays is an attempt that does what was noted, and then nothing until it is cancelled.
func replays(acts []act) func(context.Context, nodes.Task, Wait) (nodes.Result, error) {
	return func(ctx context.Context, t nodes.Task, wait Wait) (nodes.Result, error) {
		for i := range acts {
			if err := wait(ctx, acts[i].after); err != nil {
				return nodes.Result{}, err
			}
			if r, err, over := acts[i].perform(ctx, t); over {
				return r, err
			}
		}
		return nodes.Result{}, wait(ctx, 10_000*time.Hour)
	}
}

func nameOf(node, item string) string {
	if item == "" {
		return node
	}
	return node + "/" + item
}

// act has a running attempt do something, and notes it; false if there is none.
func (l *learner) act(name string, a act) bool {
	l.mu.Lock()
	p := l.puppets[name]
	l.mu.Unlock()
	if p == nil {
		return false
	}
	a.after, p.last = time.Since(p.last), time.Now()
	l.acts[p.Attempt] = append(l.acts[p.Attempt], a)
	p.do <- a
	return true
}

// moment does something from outside, and notes it.
func (l *learner) moment(m Moment) bool {
	m.At, m.Stack, m.By = time.Since(Begin), "s", l.by
	l.c.Does = append(l.c.Does, m)
	go func() { _ = m.Do(l.rt) }() // it may take until the stack has ended
	return true
}

// line does a line. goesOn is false if those that follow cannot be done.
func (l *learner) line(t *testing.T, g *graph.Graph, line string) (done, goesOn bool) {
	verb, rest, _ := strings.Cut(line, " ")
	arg, tail, _ := strings.Cut(rest, " ")
	node, item, _ := strings.Cut(arg, "/")
	switch verb {
	case "start":
		init, params, _ := strings.Cut(rest, "params ")
		s := Start{ID: "s", Graph: g, Params: object(t, params), State: object(t, init), By: l.by}
		if _, err := l.rt.Start(by(s.By), g, runtime.StartOptions{ID: s.ID, Params: s.Params, State: s.State}); err != nil {
			return false, true
		}
		l.c.Stacks = []Start{s}
		return true, true
	case "wake":
		return true, l.wake(t, arg)
	case "tick":
		<-time.After(duration(t, arg))
		return true, true
	case "running", "state", "counts", "outbox", "sent", "crash", "stop": // by itself, or nothing to do
		return true, true
	case "as":
		l.by = arg
		return true, true
	case "done":
		return l.act(arg, act{does: "done", out: nodes.Result{Output: read(t, tail)}}), true
	case "spend":
		a := act{does: "done"}
		if _, err := fmt.Sscan(tail, &a.out.Tokens, &a.out.Cost); err != nil {
			t.Fatal(err)
		}
		return l.act(arg, a), true
	case "fail":
		kind, message, _ := strings.Cut(tail, " ")
		kind, permanent := strings.CutSuffix(kind, "!")
		kind, wait, _ := strings.Cut(kind, "@")
		f := &nodes.Error{Kind: kind, Message: message, Permanent: permanent}
		f.Wait, _ = time.ParseDuration(wait) // "" is none
		return l.act(arg, act{does: "fail", fails: f}), true
	case "step":
		words := strings.SplitN(tail, " ", 4)
		s := nodes.StepRecord{Name: words[0], Duration: time.Second}
		if _, err := fmt.Sscan(strings.Join(words[1:3], " "), &s.Tokens, &s.Cost); err != nil {
			t.Fatal(err)
		}
		if len(words) > 3 {
			s.Content = read(t, words[3])
		}
		return l.act(arg, act{does: "step", step: s}), true
	case "mark":
		name, content, _ := strings.Cut(tail, " ")
		return l.act(arg, act{does: "step", step: nodes.StepRecord{Name: name, Content: read(t, content), Mark: true}}), true
	case "asks":
		var calls []journal.Call
		if err := json.Unmarshal([]byte(tail), &calls); err != nil {
			t.Fatal(err)
		}
		return l.act(arg, act{does: "ask", calls: calls}), true
	case "held":
		return l.act(arg, act{does: "held"}), true
	case "event":
		payload, id, _ := strings.Cut(tail, " id ")
		return l.moment(Moment{Does: Send, Event: arg, ID: id, Payload: read(t, payload)}), true
	case "answer":
		answer, id, _ := strings.Cut(tail, " for ")
		return l.moment(Moment{Does: Answer, Node: node, Item: item, Output: read(t, answer), For: l.question(t, node, item, id)}), true
	case "word":
		text, id, _ := strings.Cut(tail, " for ")
		text, call, _ := strings.Cut(text, " call ")
		fields := object(t, text)
		m := Moment{Does: Answer, Node: node, Item: item, Call: call, For: l.question(t, node, item, id), Args: fields["args"]}
		delete(fields, "args")
		m.Output = fields
		return l.moment(m), true
	case "drop":
		return l.moment(Moment{Does: CancelTask, Node: node, Item: item}), true
	case "pause":
		return l.moment(Moment{Does: Pause}), true
	case "resume":
		return l.moment(Moment{Does: Resume}), true
	case "cancel":
		return l.moment(Moment{Does: Cancel, Reason: rest}), true
	case "end":
		return l.moment(Moment{Does: Stop}), true
	case "deny", "used":
		return false, true
	}
	return false, false // retry, rest
}

// wake lets time pass until the stack is woken.
func (l *learner) wake(t *testing.T, arg string) bool {
	if strings.HasPrefix(arg, "+") {
		<-time.After(duration(t, arg))
		return true
	}
	if len(l.c.Stacks) == 0 {
		return false
	}
	snap, err := l.store.Load(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.Continue(l.c.Stacks[0].Graph, machine.Options{}, snap, time.Time{}, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Until(m.WakeAt()); d > 0 {
		<-time.After(d)
	}
	return true
}

// question is the id of a question here. The first time that a transcript names one, it is the
// one that is open.
func (l *learner) question(t *testing.T, node, item, id string) string {
	if id == "" {
		return ""
	}
	if l.questions[id] == "" {
		sum, err := l.store.Stack(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(sum.Cursor.Questions(), func(q journal.Waiting) bool { return q.Node == node && q.Item == item })
		if i < 0 {
			return id
		}
		q := sum.Cursor.Questions()[i]
		l.questions[id] = q.ID()
	}
	return cmp.Or(l.questions[id], id)
}

func duration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(strings.TrimPrefix(text, "+"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func read(t *testing.T, text string) any {
	if text == "" {
		return nil
	}
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func object(t *testing.T, text string) map[string]any {
	m, _ := read(t, strings.TrimSpace(text)).(map[string]any)
	return m
}
