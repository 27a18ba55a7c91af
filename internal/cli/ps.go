package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func psCommand(a *app) *cobra.Command {
	var pools, watch bool
	var q api.StackQuery
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List all stacks, or the pools that their tasks run in",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if q.Status != "" && !slices.Contains(stackStatuses, string(q.Status)) {
				return usagef("--status %q: expected one of %s", q.Status, strings.Join(stackStatuses, ", "))
			}
			if pools && (q != api.StackQuery{}) {
				return usagef("--pools lists pools: --graph, --status and --children are for stacks")
			}
			return a.show(cmd.Context(), watch, func(ctx context.Context, a *app, c *api.Client) (bool, error) {
				if pools {
					return false, a.listPools(cmd, c)
				}
				return false, a.listStacks(ctx, c, q)
			})
		},
	}
	cmd.Flags().BoolVar(&pools, "pools", false, "list the pools: their limits, what runs and what waits")
	cmd.Flags().StringVar(&q.Graph, "graph", "", "only stacks of this `GRAPH`")
	cmd.Flags().StringVar((*string)(&q.Status), "status", "", "only stacks with this `STATUS`: "+strings.Join(stackStatuses, ", "))
	cmd.Flags().BoolVar(&q.Children, "children", false, "also the stacks that do the work of nodes")
	watchFlag(cmd, &watch)
	return cmd
}

// stackStatuses are what the status of a stack may be.
var stackStatuses = []string{string(journal.Running), string(journal.Paused), string(journal.Completed), string(journal.Failed), string(journal.Cancelled)}

// listStacks prints the stacks while they are read.
func (a *app) listStacks(ctx context.Context, c *api.Client, q api.StackQuery) error {
	if a.json() {
		return a.listStacksJSON(ctx, c, q)
	}
	t := &table{w: a.out, fit: terminalColumns(a.out)}
	t.row("STACK", "GRAPH", "STATUS", "CYCLE", "WAVE", "RUNS", "NOTE")
	err := c.StacksWhere(ctx, q, func(s api.Stack) error {
		said := strings.TrimPrefix(a.note(s)+spent(s.Counts.Tokens, s.Counts.Cost), ", ")
		if s.Parent != "" {
			said = strings.TrimSuffix("runs "+s.Path+" of "+s.Parent+", "+said, ", ")
		}
		t.row(s.Stack, s.Graph, standing(s), s.Cycle, s.Wave, s.Counts.NodeRuns, oneLine(said))
		return a.out.err
	})
	t.print()
	return err
}

// listStacksJSON prints {"stacks":[…]} as one line.
func (a *app) listStacksJSON(ctx context.Context, c *api.Client, q api.StackQuery) error {
	before := `{"stacks":[`
	err := c.StacksWhere(ctx, q, func(s api.Stack) error {
		b, err := marshal(s)
		if err != nil {
			return err
		}
		err = a.writeJSON(append([]byte(before), b...))
		before = ","
		return err
	})
	if err != nil {
		return err
	}
	if before == "," {
		before = ""
	}
	_, err = io.WriteString(a.out, before+"]}\n")
	return err
}

// standing is the status of a stack as text: a stack that is about to end says so.
func standing(s api.Stack) string {
	switch {
	case s.Stopping:
		return "stopping"
	case s.Ending:
		return "ending"
	}
	return string(s.Status)
}

// note says what a stack does at the moment, or how it ended.
func (a *app) note(s api.Stack) string {
	switch {
	case s.Problem != "":
		return s.Problem
	case s.Status.Ended():
		return s.Reason
	}
	var parts []string
	if !s.Driven {
		parts = append(parts, "nobody runs it")
	}
	open := 0
	for _, w := range s.Waiting {
		if w.Answered {
			continue
		}
		if open++; open <= notedWaits {
			parts = append(parts, entryName(w.Stack, w.Path, w.Node, w.Item)+" waits"+wantedCalls(w))
		}
	}
	if open > notedWaits {
		parts = append(parts, fmt.Sprintf("%d more wait", open-notedWaits))
	}
	for _, event := range slices.Sorted(maps.Keys(s.Queued)) {
		parts = append(parts, fmt.Sprintf("%s queued %d", event, s.Queued[event]))
	}
	for _, p := range s.Parked {
		parts = append(parts, fmt.Sprintf("%s parked until %s", taskName(p.Node, p.Item), a.clock(p.Until)))
	}
	if len(s.WaitsFor) > 0 {
		parts = append(parts, "in lockstep, waits for "+strings.Join(s.WaitsFor, ", "))
	}
	switch {
	case s.Status == journal.Paused:
	case !s.WakeAt.IsZero() && time.Until(s.WakeAt) > 0:
		parts = append(parts, "pause until "+a.clock(s.WakeAt))
	case !s.Open && s.WakeAt.IsZero():
		parts = append(parts, "waits for an event")
	}
	return strings.Join(parts, ", ")
}

func (a *app) listPools(cmd *cobra.Command, c *api.Client) error {
	pools, err := c.Pools(cmd.Context())
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(map[string]any{"pools": append([]api.Pool{}, pools...)})
	}
	printTable(a.out, func(row func(cells ...any)) {
		row("GRAPH", "POOL", "PARALLEL", "RUNNING", "QUEUED", "OLDEST")
		for _, p := range pools {
			row(p.Graph, p.Pool, p.Parallel, p.Running, p.Queued, brief(time.Duration(p.OldestMS)*time.Millisecond))
		}
	})
	return nil
}

func poolCommand(a *app) *cobra.Command {
	var parallel int
	cmd := &cobra.Command{
		Use:   "pool GRAPH POOL --parallel N",
		Short: "Change how many tasks a pool runs at once",
		Args:  arguments(2, 2, "GRAPH POOL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if parallel < 0 || !cmd.Flags().Changed("parallel") {
				return usagef("--parallel: expected 0 (hold) or more")
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				if owner, err := c.Server(cmd.Context()); err != nil || owner.PID == os.Getpid() {
					return firstOf(err, usagef("nobody runs the store %s: there are no pools to change", a.db))
				}
				if err := c.SetPool(cmd.Context(), args[0], args[1], parallel); err != nil {
					return err
				}
				if a.json() {
					return a.printJSON(map[string]any{"graph": args[0], "pool": args[1], "parallel": parallel})
				}
				a.printf("%s/%s: %d in parallel\n", args[0], args[1], parallel)
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&parallel, "parallel", 0, "at most `N` tasks at once; 0 holds the pool")
	return cmd
}

func statusCommand(a *app) *cobra.Command {
	watch := false
	cmd := &cobra.Command{
		Use:   "status STACK",
		Short: "Show the position of a stack, its tasks and what it waits for",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), watch, func(ctx context.Context, a *app, c *api.Client) (bool, error) {
				s, err := c.Status(ctx, args[0])
				if err != nil {
					return false, known(ctx, c, args[0], err)
				}
				if a.json() {
					return s.Status.Ended(), a.printJSON(s)
				}
				return s.Status.Ended(), a.printStatus(s)
			})
		},
	}
	watchFlag(cmd, &watch)
	return cmd
}

func (a *app) printStatus(s api.StackStatus) error {
	line := fmt.Sprintf("%s: %s", s.Stack.Stack, standing(s.Stack))
	if n := a.note(s.Stack); n != "" {
		line += ": " + oneLine(n)
	}
	a.printf("%s\n", line)
	printTable(a.out, func(row func(cells ...any)) {
		row("graph", s.Graph)
		row("created", a.clock(s.CreatedAt))
		row("at", fmt.Sprintf("cycle %d, wave %d", s.Cycle, s.Wave))
		row("so far", fmt.Sprintf("%s, %s, %s, %s%s", plural(s.Counts.Cycles, "cycle"), plural(s.Counts.Waves, "wave"),
			plural(s.Counts.NodeRuns, "node run"), plural(s.Counts.Failures, "failure"), spent(s.Counts.Tokens, s.Counts.Cost)))
		if l := s.Limits.String(); l != "" {
			row("limits", l+" (set when it was retried)")
		}
		if s.Inbox > 0 {
			row("inbox", plural(s.Inbox, "event"))
		}
		a.taskRows(s, row)
		for _, e := range s.Elements {
			row("elements", fmt.Sprintf("%s: %s", e.Node, failedElements(e.Failed, e.Of)))
		}
		for _, event := range slices.Sorted(maps.Keys(s.Queued)) {
			row("queued", fmt.Sprintf("%s %d", event, s.Queued[event]))
		}
		for i, w := range s.Waiting {
			if i == shownWaits {
				row("waiting", fmt.Sprintf("%d more", len(s.Waiting)-i))
				break
			}
			row("waiting", a.waitingLine(w))
			for _, c := range w.Calls {
				row("", fmt.Sprintf("  approve or reject %s (%s) %s", c.Tool, oneLine(c.ID), shortArgs(c.Args.V)))
				node, item := w.Node, w.Item
				if w.Stack != "" {
					node, item = w.Path, ""
				}
				row("", "  "+a.itself().answer(s.Stack.Stack, node, item, c.ID))
			}
		}
		if e := s.LastError; e != nil {
			where := fmt.Sprintf("cycle %d", e.Cycle)
			if e.Node != "" {
				where += ", " + taskName(e.Node, e.Item)
			}
			row("last error", fmt.Sprintf("%s (%s): %s", where, failureText(e.Kind, e.Code, e.Path), oneLine(e.Message)))
		}
		if s.Refused != "" {
			row("changed graph", oneLine(s.Refused))
		}
	})
	return nil
}

// notedWaits is how many waits a line of ps names, and shownWaits how many status shows as
// text.
const (
	notedWaits = 5
	shownWaits = 100
)

// shownTasks is how many finished tasks are listed in text.
const shownTasks = 20

// taskRows are about a stack's tasks, each with the attempts that failed before.
func (a *app) taskRows(s api.StackStatus, row func(cells ...any)) {
	left := -shownTasks
	for _, t := range s.Tasks {
		if t.State == runtime.TaskOver {
			left++
		}
	}
	if left > 0 {
		row("task", plural(left, "task")+" finished before")
	}
	for _, t := range s.Tasks {
		if left > 0 && t.State == runtime.TaskOver {
			left--
			continue
		}
		row("task", a.taskLine(t))
		for _, p := range t.Previous {
			row("", fmt.Sprintf("  attempt %d failed at %s (%s): %s", p.Attempt,
				a.clock(p.At), failureText(p.Error.Kind, p.Error.Code, p.Error.Path), oneLine(p.Error.Message)))
		}
	}
}

func (a *app) taskLine(t api.Task) string {
	state, at := string(t.State)+" since", a.clock(t.Since)
	if t.State == runtime.TaskOver {
		state = t.Status + " at"
	}
	s := fmt.Sprintf("%s %s %s", entryName(t.Stack, t.Path, t.Node, t.Item), state, at)
	if t.Attempt > 1 {
		s += fmt.Sprintf(", attempt %d", t.Attempt)
	}
	if !t.RetryAt.IsZero() {
		s += ", tried again at " + a.clock(t.RetryAt)
	}
	if b := t.Behind; b != nil {
		s += strings.TrimSuffix(fmt.Sprintf(", behind %s %s", b.Stack, taskName(b.Node, b.Item)), " ")
	}
	s += spent(t.Tokens, t.Cost)
	if e := t.Error; e != nil {
		s += fmt.Sprintf(" (%s): %s", failureText(e.Kind, e.Code, e.Path), oneLine(e.Message))
	}
	return s
}

// failureText is what a failure is: its kind, its code unless the message of this kind has
// it, and its place in a graph within the node.
func failureText(kind string, code *int64, path string) string {
	if code != nil && kind != "exit" && kind != "http" {
		kind += fmt.Sprintf(", code %d", *code)
	}
	if path != "" {
		kind += ", at " + path
	}
	return kind
}

// wantedCalls are the tools that an agent wants to call.
func wantedCalls(w api.WaitingNode) string {
	var names []string
	for _, c := range w.Calls {
		names = append(names, c.Tool+" "+fit(oneLine(value.String(c.Args.V)), 60))
	}
	if len(names) == 0 {
		return ""
	}
	return " for a word on " + strings.Join(names, ", ")
}

// shortArgs are arguments as text, at most 2 KiB of them.
func shortArgs(v any) string {
	text := value.String(v)
	if len(text) > 2<<10 {
		text = strings.ToValidUTF8(text[:2<<10], "") + "…"
	}
	return diag.Clean(text)
}

func (a *app) waitingLine(w api.WaitingNode) string {
	s := fmt.Sprintf("%s (%s) since %s, id %s", entryName(w.Stack, w.Path, w.Node, w.Item), w.Kind, a.clock(w.Since), w.ID)
	if w.Answered {
		s += ", answered"
	}
	if with, ok := w.With.V.(map[string]any); ok && with["prompt"] != nil {
		s += ": " + oneLine(value.String(with["prompt"]))
	}
	return s
}
