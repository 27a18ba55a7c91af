package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cloudwego/eino/compose"
)

// The classes of durability.
const (
	memory    = "memory"     // nothing is stored
	killSafe  = "kill-safe"  // survives kill -9
	powerSafe = "power-safe" // survives a power cut
)

// job is what a process has to do: one side of one work, once.
type job struct {
	Work, Side, Class string
	Dir               string        // empty, for files
	Bin               string        // has the programs that are started
	For               time.Duration // as many cycles as fit into it, when Cycles is 0
	Cycles            int           // of each stack
	Stacks            int           // of a fleet
	Size              int           // bytes of a large value that nothing touches
	Bytes             int           // of a commit where there is no engine
	Profile           string        // path of its profiles, without their ends; "" for none
}

// side does a job and takes the figures.
type side func(ctx context.Context, j job, m *meter) error

// work is something to do, with those who do it: `func` and `set` are graphrun with nodes
// of that kind, `eino` and `eino pregel` are the peer, and all others have no engine. The
// first mode of the peer is the one in which a node waits for all before it, as it does in
// graphrun; the other one is faster, and right where all of them end in the same step.
type work struct {
	name  string
	nodes int // runs of a cycle
	sides map[string]side
	order []string
}

func (w *work) add(name string, s side) {
	w.sides[name] = s
	w.order = append(w.order, name)
}

// The names of the works.
const (
	chain         = "chain of 20, one stack"
	chainNew      = "chain of 20, a new stack for each"
	fan64         = "1 → 64 → 1"
	fan256        = "1 → 256 → 1"
	orchestrator  = "orchestrator's cycle"
	fleetOf       = "orchestrators"
	oneChanged    = "1,000 conditions, one key changed that all read"
	noneChanged   = "1,000 conditions, none changed"
	large         = "10 MB state, one counter, 100 steps a second"
	starting      = "starting the program"
	recovering    = "opening the store of a fleet that was killed"
	chainLength   = 20
	slotsOfFleets = 1000
)

// works are all that can be measured.
func works() map[string]*work {
	all := map[string]*work{}
	add := func(name string, nodes int) *work {
		w := &work{name: name, nodes: nodes, sides: map[string]side{}}
		all[name] = w
		return w
	}
	both := func(w *work, s side) {
		w.add("func", s)
		w.add("set", s)
	}
	peers := func(w *work, build func() *einoGraph) {
		w.add("eino", einoStacks(build, compose.AllPredecessor))
		w.add("eino pregel", einoStacks(build, compose.AnyPredecessor))
	}
	for _, c := range []struct {
		name string
		over func(func() string) side
	}{{chain, oneStack}, {chainNew, newStacks}} {
		w := add(c.name, chainLength)
		both(w, c.over(func() string { return chainText(chainLength) }))
		peers(w, einoChain(chainLength))
		w.add("calls", bareChain(chainLength))
		w.add("bbolt", bareBolt(chainLength))
		w.add("file", bareFile(chainLength, false))
	}
	for name, width := range map[string]int{fan64: 64, fan256: 256} {
		w := add(name, width+2)
		both(w, oneStack(func() string { return fanText(width) }))
		peers(w, einoFan(width))
		w.add("calls", bareFan(width))
		w.add("bbolt", bareBolt(3))
	}
	w := add(orchestrator, orchestratorNodes)
	both(w, oneStack(func() string { return orchestratorText(4) }))
	peers(w, einoOrchestrator)
	w.add("expr", bareOrchestrator)
	w.add("bbolt", bareBolt(orchestratorWaves))
	w.add("file", bareFile(orchestratorWaves, false))
	w.add("zeros", bareFile(orchestratorWaves, true))
	w = add(fleetOf, orchestratorNodes)
	both(w, fleet(slotsOfFleets))
	peers(w, einoOrchestrator)
	w.add("bbolt groups", bareGroups(orchestratorWaves))
	for name, changes := range map[string]bool{oneChanged: true, noneChanged: false} {
		w := add(name, 1)
		both(w, oneStack(func() string { return conditionsText(changes) }))
		peers(w, einoConditions(changes))
		w.add("expr", bareConditions(changes))
		w.add("bbolt", bareBolt(1))
	}
	w = add(starting, 0)
	w.add("graphrun", program("graphrun"))
	w.add("bare", program("bare"))
	w = add(recovering, 0)
	both(w, recovery)
	w = add(large, 1)
	both(w, paced)
	w.add("bbolt", bareBolt(1))
	return all
}

// do does a job in this process.
func do(ctx context.Context, j job) (figures, error) {
	w := works()[j.Work]
	if w == nil {
		return figures{}, fmt.Errorf("there is no work %q", j.Work)
	}
	s := w.sides[j.Side]
	if s == nil {
		return figures{}, fmt.Errorf("%q is not done by %q: there are %q", j.Work, j.Side, slices.Sorted(slices.Values(w.order)))
	}
	m := &meter{}
	if err := s(ctx, j, m); err != nil {
		return figures{}, fmt.Errorf("%s, %s: %w", j.Work, j.Side, err)
	}
	if m.NodeRuns > 0 && m.NodeRuns != m.Cycles*w.nodes {
		return figures{}, fmt.Errorf("%s, %s: %d node runs in %d cycles, want %d each", j.Work, j.Side, m.NodeRuns, m.Cycles, w.nodes)
	}
	return m.figures, nil
}
