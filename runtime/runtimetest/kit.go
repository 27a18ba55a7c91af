package runtimetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// Kit is a runtime under test. Its methods end the test when something cannot
// be done; they are for the test's own goroutine, in Run's function.
type Kit struct {
	T       testing.TB
	Kinds   *nodes.Registry // the kinds given to Run, with their work scripted
	Runtime *runtime.Runtime
	Store   runtime.Store
	Config  runtime.Config // what Reopen and Crash open the next runtime with

	gate    *gate
	unwatch func() // of the runtime before

	mu      sync.Mutex
	scripts map[string]*script
	news    *sync.Cond
	cursors map[string]journal.Cursor
	reached map[string]uint64 // cycles, by stack: where Cycles counts from
}

// Run calls fn in a bubble of fake time, with a kit on an empty store. Kinds
// that have work, and those that this version cannot run, are scripted by
// Kit.Node; the others (set, approval, wait, send, graph) stay as they are. All that runs is stopped when fn
// returns.
func Run(t *testing.T, kinds *nodes.Registry, fn func(k *Kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, kinds)
		defer k.stop()
		fn(k)
	})
}

func newKit(t testing.TB, kinds *nodes.Registry) *Kit {
	k := &Kit{T: t, Store: &memstore.Store{Cycles: -1}, scripts: map[string]*script{}, cursors: map[string]journal.Cursor{}, reached: map[string]uint64{}, unwatch: func() {}}
	k.news = sync.NewCond(&k.mu)
	k.Kinds = k.scripted(kinds)
	k.open()
	return k
}

// scripted is a registry of the same kinds whose work is the kit's scripts.
func (k *Kit) scripted(kinds *nodes.Registry) *nodes.Registry {
	out := nodes.NewRegistry()
	for _, name := range kinds.Names() {
		spec, _ := kinds.Spec(name)
		if !spec.Inline && !spec.Waits && !spec.Sends && !spec.Runs {
			spec.Missing = false
			spec.Node = player{k, spec.Node}
		}
		if err := out.Register(spec); err != nil {
			k.T.Fatalf("kind %q: %v", name, err)
		}
	}
	return out
}

// player runs a node's script; one without a script does its real work.
type player struct {
	k    *Kit
	real nodes.Node
}

func (p player) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	p.k.gate.begins(t)
	p.k.mu.Lock()
	s := p.k.scripts[t.Node]
	p.k.mu.Unlock()
	if s == nil {
		if p.real == nil {
			return nodes.Result{}, fmt.Errorf("node %q has no script", t.Node)
		}
		return p.real.Run(ctx, t)
	}
	return play(ctx, t, s.reply(t))
}

// play does one reply on a goroutine of its own: one that ends it, as T.Fatal
// does, would end the stack's otherwise, and the test would wait for ever.
func play(ctx context.Context, t nodes.Task, reply Reply) (nodes.Result, error) {
	var res nodes.Result
	fail := nodes.Errorf("error", "the reply of node %q ended its goroutine (T.FailNow, T.Fatal or runtime.Goexit)", t.Node)
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, fail = nodes.Run(ctx, nodes.Spec{Node: work(reply)}, t)
	}()
	<-done
	if fail != nil {
		return res, fail
	}
	return res, nil
}

// work is a reply as a kind's work.
type work Reply

func (w work) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	out, err := w(ctx, t)
	return nodes.Result{Output: out}, err
}

// CleanUp is that of the real work.
func (p player) CleanUp(ctx context.Context, t nodes.Task) error {
	return nodes.CleanUp(ctx, nodes.Spec{Node: p.real}, t)
}

// Node scripts the runs of a node: one reply for each, the last one for all
// that follow. Retries are runs; a run that repeats one that a crash cut off
// gets that one's reply.
func (k *Kit) Node(id string, replies ...Reply) {
	k.T.Helper()
	if len(replies) == 0 {
		k.T.Fatalf("node %q: no replies", id)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.scripts[id] = &script{replies: replies, given: map[string]Reply{}}
}

// Runs lists the runs of a scripted node so far, oldest first.
func (k *Kit) Runs(node string) []nodes.Task {
	k.mu.Lock()
	s := k.scripts[node]
	k.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]nodes.Task(nil), s.runs...)
}

// Compile compiles a definition with the kit's kinds.
func (k *Kit) Compile(def graph.Def) *graph.Graph {
	k.T.Helper()
	g, problems := graph.Compile(def, k.Kinds)
	if err := problems.Err(); err != nil {
		k.T.Fatalf("graph %q:\n%v", def.Name.Value, err)
	}
	return g
}

// Start starts a stack.
func (k *Kit) Start(g *graph.Graph, o runtime.StartOptions) *runtime.Stack {
	k.T.Helper()
	id := o.ID
	if id == "" {
		id = g.Name
	}
	k.countFrom(id, 0)
	s, err := k.Runtime.Start(k.T.Context(), g, o)
	if err != nil {
		k.T.Fatalf("start: %v", err)
	}
	return s
}

// Resume continues a stack of the store.
func (k *Kit) Resume(id string, o runtime.ResumeOptions) *runtime.Stack {
	k.T.Helper()
	if snap, err := k.Store.Load(k.T.Context(), id); err == nil {
		k.countFrom(id, snap.Cursor.Counts.Cycles)
	}
	s, err := k.Runtime.Resume(k.T.Context(), id, o)
	if err != nil {
		k.T.Fatalf("resume %q: %v", id, err)
	}
	return s
}

// Wait waits until the stack has ended or was stopped.
func (k *Kit) Wait(s *runtime.Stack) runtime.Result {
	k.T.Helper()
	r, err := s.Wait(k.T.Context())
	if err != nil {
		k.T.Fatalf("stack %q: %v", s.ID(), err)
	}
	return r
}

// Cycles waits until n more cycles of a stack have finished, or it has ended:
// more than when it was started, resumed or recovered, than the last call of
// Cycles waited for, and than there were after the last Forward. So it does not
// matter how far the stack came before the call.
func (k *Kit) Cycles(s *runtime.Stack, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	target := k.reached[s.ID()] + uint64(n)
	for c := k.cursors[s.ID()]; c.Counts.Cycles < target && !c.Status.Ended(); c = k.cursors[s.ID()] {
		k.news.Wait()
	}
	k.reached[s.ID()] = target
}

func (k *Kit) countFrom(stack string, cycles uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reached[stack] = cycles
}

// countFromNow is countFrom for all stacks, when nothing of them runs.
func (k *Kit) countFromNow() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for stack, c := range k.cursors {
		k.reached[stack] = c.Counts.Cycles
	}
}

// Forward lets time pass, and what is due then happen.
func (k *Kit) Forward(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
	k.countFromNow()
}

// WantState compares some keys of a stack's committed state. A failure explains the nodes
// that write the keys that differ.
func (k *Kit) WantState(s *runtime.Stack, want map[string]any) {
	k.T.Helper()
	all, err := s.State(k.T.Context())
	if err != nil {
		k.T.Fatalf("stack %q: %v", s.ID(), err)
	}
	got := map[string]any{}
	for key := range want {
		if v, ok := all[key]; ok {
			got[key] = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		differs := func(key string) bool { v, there := want[key]; return there && !cmp.Equal(v, got[key]) }
		k.T.Errorf("stack %q: state (-want +got):\n%s%s", s.ID(), diff, k.because(s.ID(), 0, k.writersOf(s.ID(), differs)))
	}
}

// Records is the journal of a stack.
func (k *Kit) Records(stack string) []journal.Record {
	k.T.Helper()
	var out []journal.Record
	err := k.Store.Records(k.T.Context(), stack, journal.Want{Bulk: true}, func(r journal.Record) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		k.T.Fatalf("stack %q: %v", stack, err)
	}
	return out
}

// Waves lists the waves of a stack as "CYCLE.WAVE NODE NODE".
func (k *Kit) Waves(stack string) []string {
	k.T.Helper()
	var out []string
	for _, r := range k.Records(stack) {
		if w, ok := r.Body.(*journal.WaveStarted); ok {
			line := fmt.Sprintf("%d.%d", r.Cycle, w.Wave)
			for _, n := range w.Nodes {
				line += " " + n
			}
			out = append(out, line)
		}
	}
	return out
}
