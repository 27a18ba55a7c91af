package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/temporaldriver/e2e/cluster"
)

// killsGraph has three waves, five nodes, elements, a retry, an approval and an event, and works
// in its first cycles only, so that which tasks there are does not follow from when an event or
// an answer comes.
const killsGraph = `
graphrun: 1
name: kills
state:
  log: {type: list(string), reduce: append}
  messages: {type: list(string), reduce: append}
  n: {type: integer, reduce: sum}
  agreed: {type: integer, reduce: sum}
events: {message: {to: messages}}
pools: {default: {parallel: 1000}}
nodes:
  first: {uses: work, with: {ms: %[2]d}, writes: {log: "[output]"}}
  each:
    uses: work
    for_each: {in: "[1, 2, 3, 4]", as: it, max: 4}
    with: {ms: %[2]d}
    writes: {log: output}
  flaky:
    uses: work
    with: {ms: %[2]d, fail: 1}
    retry: {attempts: 5, backoff: 100ms}
    writes: {log: "[output]"}
  last: {uses: work, with: {ms: %[2]d}, writes: {log: "[output]", n: "1"}}
  ask: {uses: approval, with: {prompt: "Well?"}, writes: {agreed: "output.approved ? 1 : 0"}}
edges:
  - {to: first, when: state.n < %[1]d}
  - {to: ask, when: state.n == 0}
  - {from: first, to: [each, flaky]}
  - {from: [each, flaky], to: last}
pause: "${{ state.n < %[1]d ? '0s' : 'none' }}"
stop: state.n >= %[1]d && len(state.messages) >= 2 && state.agreed == 1
limits: {failures: 0}
`

// driven is what drives stacks, here or on a cluster.
type driven interface {
	Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error
	Send(ctx context.Context, in runtime.Send) (duplicate bool, err error)
	AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error
	Status(ctx context.Context, stack string) (runtime.Status, error)
	// Ended is how a stack ended, once it has.
	Ended(ctx context.Context, stack string) (end, error)
}

// calmRun runs the stacks in the embedded engine, which nobody kills.
func calmRun(t *testing.T, names []string, cycles int) *evidence {
	t.Helper()
	path := tempFile(t, "ledger")
	k := registry(t, path)
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: memstore.New(), Kinds: k, Nonce: func() string { return calmNonce }})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	ends := play(t, embedded{rt, &sync.Map{}}, compile(t, fmt.Sprintf(killsGraph, cycles, 0), k), names)
	return &evidence{ends, readLedger(t, path)}
}

// embedded is the engine in this process.
type embedded struct {
	*runtime.Runtime
	handles *sync.Map // by name
}

// calmNonce is that of all stacks of the embedded engine.
const calmNonce = "N"

func (e embedded) Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error {
	s, err := e.Runtime.Start(ctx, g, o)
	e.handles.Store(o.ID, s)
	return err
}

func (e embedded) Ended(ctx context.Context, stack string) (end, error) {
	s, _ := e.handles.Load(stack)
	r, err := s.(*runtime.Stack).Wait(ctx)
	return end{nonce: calmNonce, status: r.Status, state: r.State}, err
}

// play starts the stacks, sends each its events, each twice, answers its question, and waits for
// its end. What fails because somebody is dead at the moment is tried again.
func play(t *testing.T, d driven, g *graph.Graph, names []string) map[string]end {
	t.Helper()
	patience := 6 * time.Minute
	if long {
		patience = 25 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	ends := map[string]end{}
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() {
			again := func(until context.Context, what string, patience time.Duration, fn func(ctx context.Context) error) {
				for until.Err() == nil {
					one, stop := context.WithTimeout(until, patience)
					err := fn(one)
					stop()
					if err == nil {
						return
					}
					select {
					case <-until.Done():
						if ctx.Err() != nil {
							t.Errorf("%s: %s: %v: %s", name, what, err, standsAt(d, name))
						}
					case <-time.After(100 * time.Millisecond):
					}
				}
			}
			again(ctx, "start", 20*time.Second, func(ctx context.Context) error { return d.Start(ctx, g, runtime.StartOptions{ID: name}) })
			for _, m := range []string{"m1", "m2"} {
				for range 2 {
					again(ctx, "send", 20*time.Second, func(ctx context.Context) error {
						_, err := d.Send(ctx, runtime.Send{Stack: name, ID: m, Event: "message", Payload: []any{m}})
						return err
					})
				}
			}
			over, isOver := context.WithCancel(ctx)
			var end sync.WaitGroup
			end.Go(func() {
				defer isOver()
				again(ctx, "end", 5*time.Minute, func(ctx context.Context) error {
					e, err := d.Ended(ctx, name)
					if err == nil {
						mu.Lock()
						defer mu.Unlock()
						ends[name] = e
					}
					return err
				})
			})
			// The question may not be there yet; and a try whose reply was lost may have arrived.
			again(over, "answer", 20*time.Second, func(ctx context.Context) error {
				return d.AnswerWith(ctx, name, "ask", runtime.AnswerOptions{Output: map[string]any{"approved": true}})
			})
			end.Wait()
		})
	}
	all.Wait()
	return ends
}

// standsAt is where a stack stands that has not come to its end in time.
func standsAt(d driven, stack string) string {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	s, err := d.Status(ctx, stack)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%+v, tasks %+v", s.Cursor, s.Tasks)
}

// remote is a server with workers.
type remote struct{ *stacks }

func (r remote) Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error {
	err := r.stacks.Start(ctx, g, o)
	if errors.Is(err, runtime.ErrExists) {
		return nil // an earlier try has arrived, whose reply has not
	}
	return err
}

func (r remote) Ended(ctx context.Context, stack string) (end, error) {
	out, err := r.Wait(ctx, stack)
	if err != nil {
		return end{}, err
	}
	sum, err := r.Stack(ctx, stack)
	state, _ := out.State.Any().(map[string]any)
	return end{nonce: sum.Identity.Nonce, status: out.Status, state: state}, err
}

// killer kills workers and the server at any moment.
type killer struct {
	c       *cluster.Cluster
	workers []*worker
	rnd     *rand.Rand

	workerKills, serverKills int
}

// strike kills one worker, or both, or the server, and starts again what it killed.
func (k *killer) strike(ctx context.Context, server bool) error {
	victims := []*worker{k.workers[k.rnd.IntN(len(k.workers))]}
	if k.rnd.IntN(4) == 0 {
		victims = k.workers
	}
	if server {
		k.c.Kill()
		k.serverKills++
		if k.rnd.IntN(2) == 0 {
			victims = nil
		}
	}
	for _, w := range victims {
		w.kill()
		k.workerKills++
	}
	if server {
		if err := k.c.Again(ctx); err != nil {
			return err
		}
	}
	for _, w := range victims {
		w.again()
	}
	return nil
}

// run kills until the context ends, with a random time between two kills. Every tenth kill is one
// of the server, and so are the third and the sixth.
func (k *killer) run(ctx context.Context, most int) error {
	for n := 1; n <= most; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(500+k.rnd.IntN(3000)) * time.Millisecond):
		}
		if err := k.strike(ctx, n == 3 || n == 6 || n%10 == 0); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// TestKills: workers and the server are killed at any moment, again and again. Every stack comes
// to its end, as in an engine that nobody kills, and no result is applied twice.
func TestKills(t *testing.T) {
	t.Parallel()
	many, cycles, kills := 100, 3, 12
	if long {
		cycles, kills = 20, 200
	}
	seed := uint64(time.Now().UnixNano())
	var names []string
	for i := range many {
		names = append(names, fmt.Sprintf("k%03d", i))
	}
	calm := calmRun(t, names, cycles)
	c := ownCluster(t)
	path := tempFile(t, "ledger")
	s := settings{Address: c.Address(), Queue: "kills", Ledger: path, Heartbeat: 3 * time.Second, Parallel: 100}
	k := &killer{c: c, workers: []*worker{newWorker(t, s), newWorker(t, s)}, rnd: rand.New(rand.NewPCG(seed, 0))}
	ctx, stop := context.WithCancel(t.Context())
	killed := make(chan error, 1)
	go func() { killed <- k.run(ctx, kills) }()
	own := registry(t, path)
	there := newStacks(t, c.Address(), s.Queue, own)
	ends := play(t, remote{there}, compile(t, fmt.Sprintf(killsGraph, cycles, 400), own), names)
	stop()
	if err := <-killed; err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	got := &evidence{ends, readLedger(t, path)}
	v := judge(calm, got)
	t.Logf("seed %d: %d kills of workers, %d of the server: %s", seed, k.workerKills, k.serverKills, v)
	if v.faults() > 0 {
		t.Errorf("seed %d: there are faults", seed)
	}
	if v.cut == 0 || v.again == 0 || k.serverKills < 2 {
		t.Error("too little happened for the test to mean anything")
	}
	controls(t, calm, got)
	o, err := s.options(nil)
	if err != nil {
		t.Fatal(err)
	}
	there.replay(t, o, names...)
}

// controls spoils the evidence in one way after the other: the judge finds each.
func controls(t *testing.T, calm, got *evidence) {
	t.Helper()
	name := slices.Sorted(maps.Keys(got.ends))[0]
	is := got.ends[name]
	log, _ := is.state["log"].([]any)
	if len(log) < 2 {
		t.Errorf("%s has applied too little for controls", name)
		return
	}
	key, _ := log[0].(string)
	withLog := func(log []any) *evidence {
		state := maps.Clone(is.state)
		state["log"] = log
		ends := maps.Clone(got.ends)
		ends[name] = end{is.nonce, is.status, state}
		return &evidence{ends, got.ledger}
	}
	withLedger := func(l []entry) *evidence { return &evidence{got.ends, l} }
	for fault, spoilt := range map[string]struct {
		e     *evidence
		count func(*verdict) int
	}{
		"a result is applied twice": {withLog(append(slices.Clone(log), log[0])), func(v *verdict) int { return v.twice }},
		"a result is lost":          {withLog(log[1:]), func(v *verdict) int { return v.lost }},
		"a task never ran": {withLedger(slices.DeleteFunc(slices.Clone(got.ledger), func(e entry) bool { return e.key == key })),
			func(v *verdict) int { return v.missing }},
		"a key is another one in a later attempt": {withLedger(append(slices.Clone(got.ledger), entry{began, strings.Replace(key, is.nonce, "other", 1), name, 2, ""})),
			func(v *verdict) int { return v.foreign }},
		"a task runs that nobody else has": {withLedger(append(slices.Clone(got.ledger), entry{began, keyOf(name, is.nonce, "999/1/first/"), name, 1, ""})),
			func(v *verdict) int { return v.foreign }},
		"one attempt runs twice": {withLedger(append(slices.Clone(got.ledger), entry{began, key, name, 1, ""})),
			func(v *verdict) int { return v.same }},
	} {
		if v := judge(calm, spoilt.e); spoilt.count(v) == 0 {
			t.Errorf("%s, and nobody says so: %s", fault, v)
		}
	}
	state := maps.Clone(is.state)
	state["n"] = int64(99)
	ends := maps.Clone(got.ends)
	ends[name] = end{is.nonce, is.status, state}
	if v := judge(calm, &evidence{ends, got.ledger}); v.states == 0 {
		t.Errorf("a state is another one, and nobody says so: %s", v)
	}
}
