package temporaldriver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

// testQueue is the task queue of the test environment.
const testQueue = "default-test-taskqueue"

// flying counts attempts that run, as the cluster sees them.
type flying struct {
	mu    sync.Mutex
	count map[string]int
	most  map[string]int
	total map[string]int
	at    []time.Time
}

func (f *flying) add(what string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil {
		f.count, f.most, f.total = map[string]int{}, map[string]int{}, map[string]int{}
	}
	f.count[what] += n
	f.total[what] += max(n, 0)
	f.most[what] = max(f.most[what], f.count[what])
}

// runStacks runs stacks of graphs on one test environment, until all have ended. of says what an
// attempt is counted as.
func runStacks(t *testing.T, o Options, graphs map[string]string, of func(in *taskInput) string) (*flying, *testsuite.TestWorkflowEnvironment) {
	t.Helper()
	o.Kinds = std.Registry()
	work := nodes.Func("work", func(ctx context.Context, _ struct{ Name string }) (int, error) {
		select { // long enough for others to begin
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		return 1, nil
	})
	if err := o.Kinds.Register(work); err != nil {
		t.Fatal(err)
	}
	w, err := newWorker(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	w.register(env)
	f := &flying{}
	var mu sync.Mutex
	running := map[string]string{} // by activity
	env.SetOnActivityStartedListener(func(i *activity.Info, _ context.Context, args converter.EncodedValues) {
		var in taskInput
		if err := args.Get(&in); err != nil {
			t.Error(err)
		}
		what := of(&in)
		mu.Lock()
		running[i.WorkflowExecution.ID+i.ActivityID] = what
		mu.Unlock()
		f.add(what, 1)
		f.mu.Lock()
		f.at = append(f.at, env.Now())
		f.mu.Unlock()
	})
	env.SetOnActivityCompletedListener(func(i *activity.Info, _ converter.EncodedValue, _ error) {
		mu.Lock()
		defer mu.Unlock()
		f.add(running[i.WorkflowExecution.ID+i.ActivityID], -1)
	})
	var limiters []string
	for digit := range 16 {
		limiters = append(limiters, limiterOf(fmt.Sprintf("%s%x", lockPrefix, digit), testQueue))
	}
	names := make([]string, 0, len(graphs))
	inputs := map[string]Input{}
	for name, text := range graphs {
		g := compileWith(t, text, lockingInner, o.Kinds)
		def, err := stored(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range g.Pools {
			if pool := sharedPool(g, &g.Pools[i]); pool != "" && !slices.Contains(limiters, limiterOf(pool, testQueue)) {
				limiters = append(limiters, limiterOf(pool, testQueue))
			}
		}
		names = append(names, name)
		inputs[name] = Input{Graph: def, Identity: journal.Identity{Stack: name, Graph: g.Name}}
	}
	slices.Sort(names)
	all := func(ctx workflow.Context) error {
		// The environment cannot signal a workflow that has just begun.
		for _, id := range limiters {
			limiter := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id}), limiterType, limiterInput{})
			if err := limiter.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
				return err
			}
		}
		var ends []workflow.Future
		for _, name := range names {
			ends = append(ends, workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: name}), WorkflowType, inputs[name]))
		}
		for i, end := range ends {
			var out Output
			if err := end.Get(ctx, &out); err != nil {
				return err
			}
			if out.Status != journal.Completed {
				return fmt.Errorf("%s: %s %s", names[i], out.Status, out.Reason)
			}
		}
		return nil
	}
	env.RegisterWorkflowWithOptions(all, workflow.RegisterOptions{Name: "all"})
	env.ExecuteWorkflow("all")
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	return f, env
}

// compileWith compiles a graph beside a file inner.yaml.
func compileWith(t *testing.T, text, inner string, k *nodes.Registry) *graph.Graph {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"outer.yaml": text, "inner.yaml": inner} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	src, problems := dsl.Load(filepath.Join(dir, "outer.yaml"), k)
	if src.Graph == nil {
		t.Fatal(problems)
	}
	return src.Graph
}

const poolGraph = `
graphrun: 1
name: NAME
pools: {llm: {parallel: 3SHARED}}
state:
  n: {type: integer, reduce: sum}
nodes:
  ask:
    uses: work
    pool: llm
    for_each: {in: "[1, 2, 3, 4, 5, 6, 7]", as: it}
    with: {Name: a}
  more: {uses: work, pool: llm, with: {Name: b}, writes: {n: "1"}}
edges: [{from: ask, to: more}]
pause: 1s
stop: state.n >= 2
`

func graphNamed(name, shared string) string {
	return strings.NewReplacer("NAME", name, "SHARED", shared).Replace(poolGraph)
}

// TestPoolOverStacks: all stacks of a graph together have the slots that its pool says, and those
// of all graphs if it is shared.
func TestPoolOverStacks(t *testing.T) {
	t.Parallel()
	for _, shared := range []string{"", ", shared: true"} {
		t.Run("pool"+shared, func(t *testing.T) {
			t.Parallel()
			graphs := map[string]string{}
			for i := range 4 {
				graphs[fmt.Sprintf("a%d", i)] = graphNamed("one", shared)
				graphs[fmt.Sprintf("b%d", i)] = graphNamed("two", shared)
			}
			f, _ := runStacks(t, Options{}, graphs, func(in *taskInput) string {
				if shared != "" {
					return "all"
				}
				return in.Identity.Graph
			})
			for what, n := range f.most {
				if n != 3 {
					t.Errorf("%d attempts of %q ran at once, expected 3", n, what)
				}
			}
			n := 0
			for _, one := range f.total {
				n += one
			}
			if n != 8*2*8 {
				t.Errorf("%d attempts ran, expected %d", n, 8*2*8)
			}
		})
	}
}

// TestPoolRate: the starts of all stacks together keep the rate.
func TestPoolRate(t *testing.T) {
	t.Parallel()
	graphs := map[string]string{}
	for i := range 3 {
		graphs[fmt.Sprintf("s%d", i)] = graphNamed("rated", ", rate: 5/m")
	}
	f, _ := runStacks(t, Options{}, graphs, func(*taskInput) string { return "all" })
	slices.SortFunc(f.at, time.Time.Compare)
	for i := 5; i < len(f.at); i++ {
		if d := f.at[i].Sub(f.at[i-5]); d < time.Minute {
			t.Errorf("6 attempts began within %v", d)
		}
	}
	if n := len(f.at); n != 3*2*8 {
		t.Errorf("%d attempts ran", n)
	}
}

const lockGraph = `
graphrun: 1
name: NAME
state:
  n: {type: integer, reduce: sum}
nodes:
  one:
    uses: work
    lock: "${{ it }}"
    for_each: {in: "['x', 'y', 'x', 'z']", as: it}
    with: {Name: "${{ it }}"}
  two: {uses: work, lock: x, with: {Name: x}, writes: {n: "1"}}
edges: [{from: one, to: two}]
pause: 1s
stop: state.n >= 2
`

func lockName(in *taskInput) string {
	if i, err := strconv.Atoi(in.Item); err == nil && in.Node == "one" {
		return string("xyxz"[i])
	}
	return "x"
}

// TestLocksOverStacks: of tasks with an equal text one runs at a time, in a stack and over all.
func TestLocksOverStacks(t *testing.T) {
	t.Parallel()
	graphs := map[string]string{}
	for i := range 5 {
		graphs[fmt.Sprintf("s%d", i)] = strings.Replace(lockGraph, "NAME", fmt.Sprintf("g%d", i%2), 1)
	}
	f, _ := runStacks(t, Options{}, graphs, lockName)
	for what, n := range f.most {
		if n != 1 {
			t.Errorf("%d tasks had the lock %q at once", n, what)
		}
	}
	if f.total["x"] != 5*2*3 || f.total["y"] != 5*2 {
		t.Errorf("the attempts were %v", f.total)
	}
}

const (
	lockingInner = `
graphrun: 1
name: inner
state: {n: {type: integer, reduce: sum}}
nodes:
  a: {uses: work, lock: deploy, for_each: {in: "[1, 2, 3, 4, 5, 6, 7]", as: it}, with: {Name: inner}}
  b: {uses: work, lock: deploy, with: {Name: inner}, writes: {n: "1"}}
stop: state.n >= 1
limits: {cycles: 2}
`
	lockingOuter = `
graphrun: 1
name: outer
state: {n: {type: integer, reduce: sum}}
nodes:
  whole: {uses: graph, lock: deploy, with: {file: inner.yaml}, writes: {n: "1"}}
stop: state.n >= 1
limits: {cycles: 3}
`
)

// TestLockOfGraph: a node that runs a graph has its lock while the graph runs, and the nodes of
// the graph may take the same one, one at a time.
func TestLockOfGraph(t *testing.T) {
	t.Parallel()
	graphs := map[string]string{"p": lockingOuter, "q": lockingOuter}
	var mu sync.Mutex
	var order []string // of the stacks whose tasks began
	f, _ := runStacks(t, Options{}, graphs, func(in *taskInput) string {
		mu.Lock()
		defer mu.Unlock()
		if n := len(order); n == 0 || order[n-1] != in.Identity.Stack {
			order = append(order, in.Identity.Stack)
		}
		return "deploy"
	})
	if f.most["deploy"] != 1 || f.total["deploy"] != 2*8 {
		t.Errorf("%d tasks had the lock at once, and %d in all", f.most["deploy"], f.total["deploy"])
	}
	if len(order) != 2 {
		t.Errorf("the lock of a graph was given away while it ran: %v", order)
	}
}

// TestNoLimiterWithoutNeed: a graph that declares no pool and has no lock has no messages.
func TestNoLimiterWithoutNeed(t *testing.T) {
	t.Parallel()
	for _, declared := range []bool{false, true} {
		text := graphNamed("plain", "")
		if !declared {
			text = strings.Replace(strings.Replace(text, "pools: {llm: {parallel: 3}}\n", "", 1), "pool: llm", "priority: 1", 2)
		}
		began := false
		k := std.Registry()
		if err := k.Register(nodes.Func("work", func(context.Context, struct{ Name string }) (int, error) { return 1, nil })); err != nil {
			t.Fatal(err)
		}
		w, err := newWorker(nil, Options{Kinds: k})
		if err != nil {
			t.Fatal(err)
		}
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		w.register(env)
		env.SetOnChildWorkflowStartedListener(func(i *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
			began = began || i.WorkflowType.Name == limiterType
		})
		g := compileText(t, text, k)
		def, err := stored(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		env.ExecuteWorkflow(WorkflowType, Input{Graph: def, Identity: journal.Identity{Stack: "s", Graph: g.Name}})
		if err := env.GetWorkflowError(); err != nil {
			t.Fatal(err)
		}
		if began != declared {
			t.Errorf("with a declared pool: %v, and a limiter began: %v", declared, began)
		}
	}
}

// TestPoolOnHold: a task waits while its pool has no slots, the stack says so, and a changed
// graph with slots lets it begin within the cycle that is open.
func TestPoolOnHold(t *testing.T) {
	t.Parallel()
	k := std.Registry()
	if err := k.Register(nodes.Func("work", func(context.Context, struct{ Name string }) (int, error) { return 1, nil })); err != nil {
		t.Fatal(err)
	}
	w, err := newWorker(nil, Options{Kinds: k})
	if err != nil {
		t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	w.register(env)
	storedWith := func(parallel string) journal.StoredGraph {
		def, err := stored(compileText(t, strings.Replace(graphNamed("held", ""), "parallel: 3", parallel, 1), k), nil)
		if err != nil {
			t.Fatal(err)
		}
		return def
	}
	ask := func(_ context.Context, workflow string, q readRequest) (r readReply, err error) {
		v, err := env.QueryWorkflowByID(workflow, readName, q)
		if err == nil {
			err = v.Get(&r)
		}
		return r, err
	}
	waits := func() (texts []string) {
		r, err := ask(t.Context(), "default-test-workflow-id", readRequest{What: readLive})
		if err != nil {
			t.Error(err)
			return nil
		}
		r.Live.askLimiters(t.Context(), testQueue, ask)
		for _, task := range r.Live.Tasks {
			if task.Slot != nil {
				texts = append(texts, fmt.Sprintf("%s[%s] %s %d/%d", task.Node, task.Item, task.Slot.Pool, task.Slot.Running, task.Slot.Parallel))
			}
		}
		return texts
	}
	ran := 0
	env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) { ran++ })
	env.RegisterDelayedCallback(func() {
		if got := waits(); len(got) != 7 || got[0] != "ask[0] llm 0/0" {
			t.Errorf("on hold, the stack waits for %q", got)
		}
		if ran > 0 {
			t.Errorf("%d tasks of a pool on hold ran", ran)
		}
		next := storedWith("parallel: 2")
		env.UpdateWorkflow(updateName, "u", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { t.Error(err) },
			OnComplete: func(_ any, err error) {
				if err != nil {
					t.Error(err)
				}
			},
		}, command{Do: doAdopt, Graph: &next})
	}, time.Hour)
	env.ExecuteWorkflow(WorkflowType, Input{Graph: storedWith("parallel: 0"), Identity: journal.Identity{Stack: "s", Graph: "held"}})
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if ran != 2*8 {
		t.Errorf("%d tasks ran", ran)
	}
}
