package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/feed"
)

// With these variables the test binary is a life that is cut short.
const (
	roleEnv   = "TORTURE_ROLE" // live, settle, or the name of a control
	pathEnv   = "TORTURE_PATH"
	ledgerEnv = "TORTURE_LEDGER"
	lifeEnv   = "TORTURE_LIFE" // its number, from 1
)

// long is set for the whole torture, which takes minutes: more kills, more
// states, and the mutants. Without it each test does a part, and all together
// take seconds.
var long = os.Getenv("TORTURE") == "long"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	if role := os.Getenv(roleEnv); role != "" {
		run := live
		if strings.HasPrefix(role, agentsLive) {
			run = agentsMain
		}
		if err := run(role); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// openLine is printed when the runtime of a life is open.
const openLine = "open\n"

// definition has four nodes side by side, one of them slow in every second
// cycle, a fan-out of eight, a node that fails before it succeeds, and one that
// runs in the cycle after. Each writes the key of its task into the log.
const definition = `{"graphrun": 1, "name": "torture",
	"state": [
		{"name": "log", "type": "list(string)", "reduce": {"name": "append"}},
		{"name": "messages", "type": "list(string)", "reduce": {"name": "append"}},
		{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
	"events": [{"name": "message", "to": "messages"}],
	"pools": [{"name": "default", "parallel": 6}],
	"nodes": [
		{"id": "a", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}]},
		{"id": "b", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}]},
		{"id": "c", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}]},
		{"id": "slow", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}]},
		{"id": "fan", "uses": "work", "for_each": {"in": "[1, 2, 3, 4, 5, 6, 7, 8]", "as": "it"}, "writes": [{"key": "log", "expr": "output"}]},
		{"id": "flaky", "uses": "work", "retry": {"attempts": 50, "backoff": 5000000}, "writes": [{"key": "log", "expr": "[output]"}]},
		{"id": "count", "uses": "set", "with": {"one": 1}, "writes": [{"key": "n", "expr": "output.one"}]},
		{"id": "back", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}]}],
	"edges": [
		{"to": ["a", "b", "c", "slow"]},
		{"from": ["a"], "to": ["fan", "flaky"]},
		{"from": ["fan"], "to": ["count"]},
		{"from": ["count"], "to": ["back"], "next_cycle": true}],
	"pause": {"set": true, "active": 3000000},
	"limits": {"failures": 0},
	"history": {"cycles": 1000000}}`

const stacks = 4

// life is one process.
type life struct {
	number string
	role   string
	ledger *os.File
	mu     sync.Mutex
	failed map[string]bool // keys of flaky tasks that have failed once here
}

// note writes one line; the system keeps it when the process dies.
func (l *life) note(words ...string) {
	_, _ = l.ledger.WriteString(entry(append(words, l.number)...))
}

// taskName names a task as the ledger and the journal do.
func taskName(stack string, cycle, wave uint64, node, item string) string {
	return fmt.Sprintf("%s/%d/%d/%s/%s", stack, cycle, wave, node, item)
}

// Run is the work of every node: it notes that it began, and returns its key.
func (l *life) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	l.note("run", taskName(t.Stack, t.Cycle, t.Wave, t.Node, t.Item), t.Key, fmt.Sprint(t.Attempt))
	long := time.Duration(rand.IntN(4)) * time.Millisecond
	switch {
	case t.Node == "slow" && t.Cycle%2 == 0:
		long = 60 * time.Millisecond
	case t.Node == "wide" && l.role == halfAWave && t.With.(map[string]any)["n"].(int64) > 32:
		long = time.Hour
	}
	select {
	case <-time.After(long):
	case <-ctx.Done():
		return nodes.Result{}, ctx.Err()
	}
	if t.Node == "flaky" {
		l.mu.Lock()
		first := !l.failed[t.Key]
		l.failed[t.Key] = true
		l.mu.Unlock()
		if first {
			return nodes.Result{}, nodes.Errorf("exit", "not yet")
		}
	}
	return nodes.Result{Output: t.Key}, nil
}

// committed notes what has become visible.
func (l *life) committed(c feed.Commit) {
	for _, r := range c.Records {
		switch b := r.Body.(type) {
		case *journal.TaskFinished:
			if b.Status == "succeeded" {
				l.note("visible", taskName(c.Stack, r.Cycle, b.Wave, b.Node, b.Item))
			}
		case *journal.WaveCommitted:
			l.note("wave", fmt.Sprintf("%s/%d/%d", c.Stack, r.Cycle, b.Wave))
		}
	}
}

// live runs the stacks until the process is killed; settle runs them for two
// more cycles each, without new events.
func live(role string) error {
	ctx := context.Background()
	l := &life{number: os.Getenv(lifeEnv), role: role, failed: map[string]bool{}}
	var err error
	if l.ledger, err = os.OpenFile(os.Getenv(ledgerEnv), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	options := boltstore.Options{LockTimeout: 10 * time.Second}
	if role == "none" {
		options.Durability = runtime.DurabilityNone
	}
	file, err := boltstore.Open(os.Getenv(pathEnv), options)
	if err != nil {
		return err
	}
	kinds := std.Registry()
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "work", Open: true}, Node: l}); err != nil {
		return err
	}
	if err := kinds.Register(careless(kinds)); err != nil {
		return err
	}
	text := definition
	switch role {
	case withChildren, carelessWithChildren:
		text = parents(role)
	case halfAWave:
		text = wide
	}
	var def graph.Def
	if err := json.Unmarshal([]byte(text), &def); err != nil {
		return err
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		return err
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: broken(role, file), Kinds: kinds, Feed: feed.Of(l.committed)})
	if err != nil {
		return err
	}
	fmt.Print(openLine)
	var stop runtime.StopAfter
	if role == "settle" {
		stop.Cycles = 2
	}
	var running []*runtime.Stack
	for i := range stacks {
		id := fmt.Sprint("s", i)
		s, err := rt.Resume(ctx, id, runtime.ResumeOptions{StopAfter: stop})
		if err != nil {
			if s, err = rt.Start(ctx, g, runtime.StartOptions{ID: id, StopAfter: stop}); err != nil {
				return err
			}
		}
		running = append(running, s)
	}
	if role != "settle" {
		for i := range 2 {
			go l.send(ctx, rt, i)
		}
	}
	for _, s := range running {
		if _, err := s.Wait(ctx); err != nil {
			return err
		}
	}
	if err := rt.Close(ctx); err != nil {
		return err
	}
	return file.Close()
}

// send gives stacks events, each twice, and notes those that were accepted.
func (l *life) send(ctx context.Context, rt *runtime.Runtime, sender int) {
	for i := 0; ; i++ {
		id := fmt.Sprintf("m%d-%s-%d", sender, l.number, i)
		in := runtime.Send{Stack: fmt.Sprint("s", rand.IntN(stacks)), Event: "message", Payload: []any{id}, ID: id}
		for range 2 {
			if _, err := rt.Send(ctx, in); err == nil {
				l.note("ack", in.Stack, id)
			}
		}
		<-time.After(2 * time.Millisecond)
	}
}
