package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func historyCommand(a *app) *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use:   "history STACK",
		Short: "Show what a stack did, cycle by cycle, and which node wrote each key",
		Example: `  graphrun history review
  graphrun history review --last 5 -o json`,
		Args: arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 0 {
				return usagef("--last %d: expected 1 or more", last)
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				h, err := a.historyOf(cmd.Context(), c.Store(), args[0], last)
				if err != nil {
					return known(cmd.Context(), c, args[0], err)
				}
				if a.json() {
					return a.printJSON(h)
				}
				return a.printHistory(h)
			})
		},
	}
	cmd.Flags().IntVar(&last, "last", 0, "only the last `N` cycles")
	return cmd
}

// historyJSON is what `history -o json` prints.
type historyJSON struct {
	Stack  string         `json:"stack"`
	Graph  string         `json:"graph"`
	Status journal.Status `json:"status"`
	Reason string         `json:"reason"`
	Cycles []historyCycle `json:"cycles"`
}

type historyCycle struct {
	Cycle     uint64        `json:"cycle"`
	StartedAt time.Time     `json:"started_at"`
	Finished  bool          `json:"finished"`
	Failed    bool          `json:"failed"`
	Faults    []string      `json:"faults,omitzero"` // what failed while it began or ended
	NodeRuns  int           `json:"node_runs"`
	PauseMS   int64         `json:"pause_ms"`
	Events    []string      `json:"events"` // received before it, or while it ran
	Waves     []historyWave `json:"waves"`
}

type historyWave struct {
	Wave   uint64         `json:"wave"`
	Nodes  []historyNode  `json:"nodes"`
	Writes []historyWrite `json:"writes"`
}

type historyNode struct {
	Node     string `json:"node"`
	Status   string `json:"status"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitzero"`
}

// historyWrite is a key that a wave changed, and who wrote to it.
type historyWrite struct {
	Key    string   `json:"key"`
	Nodes  []string `json:"nodes"`
	Events []string `json:"events,omitempty"` // that the cycle began with
}

// historyReader puts records together to cycles.
type historyReader struct {
	out    historyJSON
	events []string            // of the next cycle
	writes map[string][]string // nodes by the key that they write
	to     map[string]string   // keys by the event that goes to them
	graph  func(hash string) (*graph.Graph, error)
}

// historyOf reads the last cycles of a stack; all of them when last is 0.
func (a *app) historyOf(ctx context.Context, store inspect.Reader, id string, last int) (historyJSON, error) {
	sum, err := store.Stack(ctx, id)
	if err != nil {
		return historyJSON{}, err
	}
	r := historyReader{
		out:   historyJSON{id, sum.Identity.Graph, sum.Cursor.Status, sum.Cursor.Reason, []historyCycle{}},
		graph: func(hash string) (*graph.Graph, error) { return runtime.Definition(ctx, store, a.kinds(), hash) },
	}
	err = store.Records(ctx, id, journal.Want{Last: last, Types: []string{
		"stack.started", "event.received", "cycle.started", "wave.committed", "cycle.finished",
	}}, r.add)
	return r.out, err
}

func (r *historyReader) add(rec journal.Record) error {
	switch b := rec.Body.(type) {
	case *journal.StackStarted:
		return r.under(b.Hash)
	case *journal.EventReceived:
		r.events = append(r.events, b.Event)
	case *journal.CycleStarted:
		r.out.Cycles = append(r.out.Cycles, historyCycle{
			Cycle: rec.Cycle, StartedAt: rec.Time, Faults: b.Faults, Events: append([]string{}, r.events...), Waves: []historyWave{},
		})
		r.events = nil
		if b.Hash != "" {
			return r.under(b.Hash)
		}
	case *journal.WaveCommitted:
		if c := r.open(); c != nil {
			c.Waves = append(c.Waves, r.wave(b))
		}
	case *journal.CycleFinished:
		if c := r.open(); c != nil {
			c.Finished, c.Failed, c.NodeRuns, c.PauseMS = true, b.Failed, b.NodeRuns, b.Pause.Milliseconds()
			c.Faults = append(slices.Clip(c.Faults), b.Faults...)
		}
	}
	return nil
}

// open is the cycle that records belong to; nil before the first, where the
// history begins in the middle of one.
func (r *historyReader) open() *historyCycle {
	if len(r.out.Cycles) == 0 {
		return nil
	}
	return &r.out.Cycles[len(r.out.Cycles)-1]
}

// under reads from a definition which node may write which key.
func (r *historyReader) under(hash string) error {
	g, err := r.graph(hash)
	if err != nil {
		return err
	}
	r.writes, r.to = map[string][]string{}, map[string]string{}
	for _, e := range g.Events {
		r.to[e.Name] = g.Keys[e.Key].Name
	}
	for i := range g.Nodes {
		for _, w := range g.Nodes[i].Writes {
			key := g.Keys[w.Key].Name
			r.writes[key] = append(r.writes[key], g.Nodes[i].ID)
		}
	}
	return nil
}

func (r *historyReader) wave(b *journal.WaveCommitted) historyWave {
	w := historyWave{Wave: b.Wave, Nodes: []historyNode{}, Writes: []historyWrite{}}
	var succeeded []string
	for _, s := range b.Settled {
		n := historyNode{Node: s.Node, Status: s.Status, Attempts: s.Attempts}
		if s.Error != nil {
			n.Error = s.Error.Kind + ": " + s.Error.Message
		}
		w.Nodes = append(w.Nodes, n)
		if s.Status == "succeeded" {
			succeeded = append(succeeded, s.Node)
		}
	}
	for _, key := range b.Changed {
		by := []string{}
		for _, node := range r.writes[key] {
			if slices.Contains(succeeded, node) {
				by = append(by, node)
			}
		}
		write := historyWrite{Key: key, Nodes: by}
		for _, e := range r.open().Events {
			if b.Wave == 0 && r.to[e] == key && !slices.Contains(write.Events, e) {
				write.Events = append(write.Events, e)
			}
		}
		w.Writes = append(w.Writes, write)
	}
	return w
}

func (a *app) printHistory(h historyJSON) error {
	for _, c := range h.Cycles {
		line := fmt.Sprintf("cycle %d  %s  ", c.Cycle, c.StartedAt.Format(time.RFC3339))
		switch {
		case !c.Finished:
			line += "open"
		case c.Failed:
			line += plural(c.NodeRuns, "node run") + ", failed"
		default:
			line += plural(c.NodeRuns, "node run")
		}
		line += faultsText(c.Faults)
		if len(c.Events) > 0 {
			line += "; events: " + strings.Join(c.Events, ", ")
		}
		a.printf("%s\n", line)
		for _, w := range c.Waves {
			a.printHistoryWave(w)
		}
	}
	line := fmt.Sprintf("%s: %s", h.Stack, h.Status)
	if h.Reason != "" {
		line += ": " + oneLine(h.Reason)
	}
	a.printf("%s\n", line)
	return nil
}

func (a *app) printHistoryWave(w historyWave) {
	var nodes []string
	for _, n := range w.Nodes {
		s := n.Node
		if n.Status != "succeeded" {
			s += " " + n.Status
		}
		if n.Error != "" {
			s += " (" + oneLine(n.Error) + ")"
		}
		nodes = append(nodes, s)
	}
	switch {
	case len(nodes) > 0:
		a.printf("  wave %d: %s\n", w.Wave, strings.Join(nodes, ", "))
	default: // events alone
		a.printf("  wave %d\n", w.Wave)
	}
	for _, k := range w.Writes {
		by := slices.Clone(k.Nodes)
		for _, e := range k.Events {
			by = append(by, "event "+e)
		}
		a.printf("    %s written by %s\n", k.Key, strings.Join(by, ", "))
	}
}
