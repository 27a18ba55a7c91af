package torture

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/openai"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// A life with agents has these variables besides.
const (
	urlEnv   = "TORTURE_URL"   // of the provider
	pointEnv = "TORTURE_POINT" // NAME:N, where the life ends itself: at the Nth time that it comes to that place
)

const crews = 3 // stacks of crewGraph

// The roles of lives with agents: agentsLive works until it is killed, agentsSettle comes
// to an end. The others are controls.
const (
	agentsLive    = "agents"
	agentsSettle  = "agents settle"
	forgetsSteps  = "agents forget steps"
	recordsLate   = "agents record late"
	onceIsIgnored = "agents ignore once"
)

// agentLife is one process with agents.
type agentLife struct {
	number, role string
	ledger       *os.File
	opened       func() // called when the runtime is open; may be nil
	point        string
	left         chan int // how often the point is still to be passed
}

func newAgentLife(role, number, ledger, point string) (*agentLife, error) {
	l := &agentLife{number: number, role: role, left: make(chan int, 1)}
	end := max(0, strings.LastIndexByte(point, ':'))
	count, _ := strconv.Atoi(strings.TrimPrefix(point[end:], ":"))
	l.point = point[:end]
	l.left <- count
	var err error
	l.ledger, err = os.OpenFile(ledger, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return l, err
}

func (l *agentLife) note(words ...string) {
	_, _ = l.ledger.WriteString(entry(append(words, l.number)...))
}

// at ends the process as kill -9 does if this is the place where it is to end.
func (l *agentLife) at(place string) {
	if place != l.point {
		return
	}
	n := <-l.left
	if n--; n != 0 {
		l.left <- n
		return
	}
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill()
	}
	select {}
}

// Run is a tool: it notes that it was called, and says so.
func (l *agentLife) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with := t.With.(map[string]any)
	id := with["id"].(string)
	l.at("tool begins")
	l.note("call", with["tool"].(string), id, t.Key)
	select {
	case <-time.After(2 * time.Millisecond):
	case <-ctx.Done():
		return nodes.Result{}, ctx.Err()
	}
	l.at("tool ends")
	return nodes.Result{Output: "did " + id}, nil
}

// kinds are those of the program, and the tools.
func (l *agentLife) kinds() (*nodes.Registry, error) {
	a := agent.New(agent.Config{})
	if err := a.Register("openai", openai.New); err != nil {
		return nil, err
	}
	kinds := std.Registry()
	spec := a.Spec()
	spec.Node = brokenAgent(l.role, spec.Node)
	for _, s := range []nodes.Spec{spec, {Kind: graph.Kind{Name: "act", Open: true}, Node: l}} {
		if err := kinds.Register(s); err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

// watched is a store that notes what is durable, and ends the life before or after that.
type watched struct {
	runtime.Store
	l *agentLife
}

func (s watched) Commit(ctx context.Context, c runtime.Commit) error {
	var places []string
	for _, r := range c.Records {
		switch b := r.Body.(type) {
		case *journal.TaskStep:
			places = append(places, b.Type()+" "+strings.SplitAfter(b.Name, ":")[0])
		case *journal.TaskWaiting, *journal.TaskAnswered, *journal.TaskHeld, *journal.TaskFinished, *journal.WaveCommitted:
			places = append(places, b.Type())
		}
	}
	for _, p := range places {
		s.l.at("before " + p)
	}
	if err := s.Store.Commit(ctx, c); err != nil {
		return err
	}
	for _, r := range c.Records {
		if b, ok := r.Body.(*journal.TaskStep); ok && !b.Mark && b.Error == nil {
			s.l.step(c.Stack, r.Cycle, b)
		}
	}
	for _, p := range places {
		s.l.at("after " + p)
	}
	return nil
}

// step notes a step that is durable.
func (l *agentLife) step(stack string, cycle uint64, b *journal.TaskStep) {
	item := b.Item
	task := fmt.Sprintf("%s/%d/%s/%s", stack, cycle, b.Node, item)
	if d, err := agent.ReadDone(b.Content); err == nil {
		l.note("done", d.Call)
		return
	}
	l.note("answer", task, fmt.Sprint(b.Step), fmt.Sprint(b.Tokens))
}

// clerks answers the calls that wait, in the stacks that which accepts: the first call of
// each with other arguments, the others with no. Each word is given twice.
func clerks(ctx context.Context, rt *runtime.Runtime, which func(stack string) bool) (n int) {
	type word struct{ stack, call string }
	var words []word
	_ = rt.List(ctx, func(s runtime.Status) error {
		for _, w := range s.Cursor.Asking {
			for _, c := range w.Calls {
				if !c.Answered && which(s.Stack) {
					words = append(words, word{s.Stack, c.ID})
				}
			}
		}
		return nil
	})
	for _, w := range words {
		o := runtime.AnswerOptions{Call: w.call, Output: map[string]any{"approved": false, "comment": "too much"}}
		if strings.HasSuffix(w.call, ".1") {
			o = runtime.AnswerOptions{Call: w.call, Output: map[string]any{"approved": true}, Args: map[string]any{"id": w.call, "amount": int64(2)}}
		}
		for range 2 {
			if err := rt.AnswerWith(ctx, w.stack, "clerk", o); err == nil {
				n++
			}
		}
	}
	return n
}

// odd are the stacks of clerks that are answered while a life runs; the others get their
// words between lives.
func odd(stack string) bool { n, _ := strconv.Atoi(stack[1:]); return n%2 == 1 }

func always(string) bool { return true }

// agentsMain is the main function of a life.
func agentsMain(role string) error {
	l, err := newAgentLife(role, os.Getenv(lifeEnv), os.Getenv(ledgerEnv), os.Getenv(pointEnv))
	if err != nil {
		return err
	}
	file, err := boltstore.Open(os.Getenv(pathEnv), boltstore.Options{LockTimeout: 10 * time.Second, Durability: runtime.DurabilityNone})
	if err != nil {
		return err
	}
	cycles, clerksOf := map[string]int{}, []string{"w" + l.number}
	for i := range crews {
		cycles[fmt.Sprint("s", i)] = 0
		if role == agentsSettle {
			cycles[fmt.Sprint("s", i)], clerksOf = 2, nil
		}
	}
	l.opened = func() { fmt.Print(openLine) }
	if err := l.drive(context.Background(), file, os.Getenv(urlEnv), cycles, clerksOf); err != nil {
		return err
	}
	return file.Close()
}

// drive runs all stacks of a store: those of cycles so many cycles more, 0 for ever, and
// the clerks to their end.
func (l *agentLife) drive(ctx context.Context, store runtime.Store, url string, cycles map[string]int, clerksOf []string) error {
	kinds, err := l.kinds()
	if err != nil {
		return err
	}
	graphs := map[string]*graph.Graph{}
	for name, text := range map[string]string{"s": crewGraph, "w": clerkGraph} {
		src, problems := dsl.Compile(name+".yaml", []byte(filled(text, url, l.ledger.Name())), kinds)
		if err := problems.Err(); err != nil {
			return err
		}
		graphs[name] = src.Graph
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: watched{store, l}, Kinds: kinds})
	if err != nil {
		return err
	}
	if l.opened != nil {
		l.opened()
	}
	stops := map[string]runtime.StopAfter{}
	for id, n := range cycles {
		stops[id] = runtime.StopAfter{Cycles: n}
	}
	for _, id := range clerksOf {
		stops[id] = runtime.StopAfter{}
	}
	var parked []string
	if err := rt.List(ctx, func(s runtime.Status) error {
		if !s.Cursor.Status.Ended() {
			stops[s.Stack] = runtime.StopAfter{Cycles: cycles[s.Stack]}
		} else {
			delete(stops, s.Stack)
		}
		return nil
	}); err != nil {
		return err
	}
	var running []*runtime.Stack
	for id, stop := range stops {
		s, err := rt.Resume(ctx, id, runtime.ResumeOptions{StopAfter: stop})
		if err != nil {
			if s, err = rt.Start(ctx, graphs[id[:1]], runtime.StartOptions{ID: id, StopAfter: stop}); err != nil {
				return err
			}
		}
		if st, err := rt.Status(ctx, id); err == nil && len(st.Cursor.Parked) > 0 {
			parked = append(parked, id)
		}
		running = append(running, s)
	}
	for _, id := range parked { // a task that saw three ends of the engine waits otherwise
		if err := rt.Unpause(ctx, id); err != nil {
			return err
		}
	}
	which := odd
	if l.role == agentsSettle {
		which = always
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			clerks(ctx, rt, which)
			<-time.After(5 * time.Millisecond)
		}
	}()
	for _, s := range running {
		if _, err := s.Wait(ctx); err != nil {
			return err
		}
	}
	return rt.Close(ctx)
}
