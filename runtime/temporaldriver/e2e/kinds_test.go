package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
)

// kinds are those of all graphs of these tests: the standard ones, and work that notes in a ledger
// what it does.
func kinds(l *ledger) (*nodes.Registry, error) {
	r := std.Registry()
	for _, s := range []nodes.Spec{
		{Kind: graph.Kind{Name: "work", Open: true}, Node: work{l}},
		{Kind: graph.Kind{Name: "steps", Open: true}, Node: steps{l}},
		{Kind: graph.Kind{Name: "gate", Open: true}, Node: gate{l}},
		(&memory.Memories{}).Spec(),
		{Kind: graph.Kind{Name: "seat", Open: true}, Node: seat{l}},
	} {
		if err := r.Register(s); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// with reads a number of the `with` of a task.
func with(t *nodes.Task, name string) int {
	m, _ := t.With.(map[string]any)
	n, _ := m[name].(int64)
	return int(n)
}

// work takes a random time of at most `ms` milliseconds, fails in its first `fail` attempts, and
// gives its key.
type work struct{ l *ledger }

func (w work) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	note := func(what string) error { return w.l.note(what, t.Key, t.Stack, strconv.Itoa(t.Attempt)) }
	if err := note(began); err != nil {
		return nodes.Result{}, err
	}
	if most := with(&t, "ms"); most > 0 {
		select {
		case <-time.After(time.Duration(rand.IntN(most)+1) * time.Millisecond):
		case <-ctx.Done():
			return nodes.Result{}, ctx.Err()
		}
	}
	if t.Attempt <= with(&t, "fail") {
		if err := note(failed); err != nil {
			return nodes.Result{}, err
		}
		return nodes.Result{}, nodes.Errorf("exit", "not yet")
	}
	return nodes.Result{Output: t.Key}, note(ended)
}

// steps does `steps` durable steps, and waits before step `stop` until somebody kills it, in its
// first attempt.
type steps struct{ l *ledger }

func (s steps) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	note := func(what, more string) error {
		return s.l.note(what, t.Key, t.Stack, strconv.Itoa(t.Attempt), more)
	}
	if err := note(began, ""); err != nil {
		return nodes.Result{}, err
	}
	var all []any
	for i := 1; i <= with(&t, "steps"); i++ {
		if t.Attempt == 1 && i == with(&t, "stop") {
			if err := note(waits, ""); err != nil {
				return nodes.Result{}, err
			}
			<-ctx.Done()
			return nodes.Result{}, ctx.Err()
		}
		name := "step" + strconv.Itoa(i)
		made, err := nodes.Step(ctx, name, func(context.Context) (string, error) {
			return name + "#" + strconv.Itoa(t.Attempt), note(step, name)
		})
		if err != nil {
			return nodes.Result{}, err
		}
		all = append(all, made)
	}
	return nodes.Result{Output: all}, note(ended, "")
}

// seat takes one of `seats` seats in the folder `room` for a random time of at most `ms` milliseconds.
// A seat is a file that the attempt has locked: the system gives it back when the process dies.
type seat struct{ l *ledger }

func (s seat) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	note := func(what string) error {
		return s.l.note(what, t.Key, t.Stack, strconv.Itoa(t.Attempt), strconv.FormatInt(time.Now().UnixMilli(), 10))
	}
	m, _ := t.With.(map[string]any)
	room, _ := m["room"].(string)
	var taken *os.File
	for i := 0; taken == nil && i < with(&t, "seats"); i++ {
		f, err := os.OpenFile(filepath.Join(room, strconv.Itoa(i)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nodes.Result{}, err
		}
		defer f.Close()
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			taken = f
		}
	}
	if taken == nil {
		return nodes.Result{}, note(crowded)
	}
	if err := note(began); err != nil {
		return nodes.Result{}, err
	}
	select {
	case <-time.After(time.Duration(rand.IntN(with(&t, "ms"))+1) * time.Millisecond):
	case <-ctx.Done():
		return nodes.Result{}, ctx.Err()
	}
	return nodes.Result{Output: t.Key}, note(ended)
}

// gate waits until there is a file.
type gate struct{ l *ledger }

func (g gate) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	if err := g.l.note(began, t.Key, t.Stack, strconv.Itoa(t.Attempt)); err != nil {
		return nodes.Result{}, err
	}
	m, _ := t.With.(map[string]any)
	path, _ := m["file"].(string)
	for {
		if _, err := os.Stat(path); err == nil {
			return nodes.Result{}, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nodes.Result{}, ctx.Err()
		}
	}
}
