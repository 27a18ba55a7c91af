package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func psCommand(a *app) *cobra.Command {
	var pools bool
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List all stacks, or the pools that their tasks run in",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.through(cmd.Context(), func(c *api.Client) error {
				if pools {
					return a.listPools(cmd, c)
				}
				return a.listStacks(cmd.Context(), c)
			})
		},
	}
	cmd.Flags().BoolVar(&pools, "pools", false, "list the pools: their limits, what runs and what waits")
	return cmd
}

// listStacks prints the stacks while they are read.
func (a *app) listStacks(ctx context.Context, c *api.Client) error {
	if a.json() {
		return a.listStacksJSON(ctx, c)
	}
	t := &table{w: a.out, fit: terminalColumns(a.out)}
	t.row("STACK", "GRAPH", "STATUS", "CYCLE", "WAVE", "RUNS", "NOTE")
	err := c.Stacks(ctx, func(s api.Stack) error {
		t.row(s.Stack, s.Graph, s.Status, s.Cycle, s.Wave, s.Counts.NodeRuns, oneLine(note(s)))
		return a.out.err
	})
	t.print()
	return err
}

// listStacksJSON prints {"stacks":[…]} as one line.
func (a *app) listStacksJSON(ctx context.Context, c *api.Client) error {
	before := `{"stacks":[`
	err := c.Stacks(ctx, func(s api.Stack) error {
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

// note says what a stack does at the moment, or how it ended.
func note(s api.Stack) string {
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
	if s.Stopping {
		parts = append(parts, "stopping")
	}
	for _, w := range s.Waiting {
		if !w.Answered {
			parts = append(parts, w.Node+" waits")
		}
	}
	for _, p := range s.Parked {
		parts = append(parts, fmt.Sprintf("%s parked until %s", taskName(p.Node, p.Item), p.Until.Local().Format(time.DateTime)))
	}
	if len(s.WaitsFor) > 0 {
		parts = append(parts, "in lockstep, waits for "+strings.Join(s.WaitsFor, ", "))
	}
	switch {
	case s.Status == journal.Paused:
	case !s.WakeAt.IsZero() && time.Until(s.WakeAt) > 0:
		parts = append(parts, "pause until "+s.WakeAt.Local().Format(time.DateTime))
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
	return &cobra.Command{
		Use:   "status STACK",
		Short: "Show the position of a stack, its tasks and what it waits for",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.through(cmd.Context(), func(c *api.Client) error {
				s, err := c.Status(cmd.Context(), args[0])
				if err != nil {
					return known(cmd.Context(), c, args[0], err)
				}
				if a.json() {
					return a.printJSON(s)
				}
				return a.printStatus(s)
			})
		},
	}
}

func (a *app) printStatus(s api.StackStatus) error {
	line := fmt.Sprintf("%s: %s", s.Stack.Stack, s.Status)
	if n := note(s.Stack); n != "" {
		line += ": " + oneLine(n)
	}
	a.printf("%s\n", line)
	printTable(a.out, func(row func(cells ...any)) {
		row("graph", s.Graph)
		row("created", s.CreatedAt.Local().Format(time.DateTime))
		row("at", fmt.Sprintf("cycle %d, wave %d", s.Cycle, s.Wave))
		row("so far", fmt.Sprintf("%s, %s, %s, %s", plural(s.Counts.Cycles, "cycle"), plural(s.Counts.Waves, "wave"),
			plural(s.Counts.NodeRuns, "node run"), plural(s.Counts.Failures, "failure")))
		if s.Inbox > 0 {
			row("inbox", plural(s.Inbox, "event"))
		}
		taskRows(s, row)
		for _, w := range s.Waiting {
			row("waiting", waitingLine(w))
		}
		if e := s.LastError; e != nil {
			where := fmt.Sprintf("cycle %d", e.Cycle)
			if e.Node != "" {
				where += ", " + taskName(e.Node, e.Item)
			}
			row("last error", fmt.Sprintf("%s (%s): %s", where, e.Kind, oneLine(e.Message)))
		}
		if s.Refused != "" {
			row("changed graph", oneLine(s.Refused))
		}
	})
	return nil
}

// shownTasks is how many finished tasks are listed in text.
const shownTasks = 20

// taskRows are about a stack's tasks, each with the attempts that failed before.
func taskRows(s api.StackStatus, row func(cells ...any)) {
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
		row("task", taskLine(t))
		for _, p := range t.Previous {
			row("", fmt.Sprintf("  attempt %d failed at %s (%s): %s", p.Attempt,
				p.At.Local().Format(time.DateTime), p.Error.Kind, oneLine(p.Error.Message)))
		}
	}
}

func taskLine(t api.Task) string {
	state, at := string(t.State)+" since", t.Since.Local().Format(time.DateTime)
	if t.State == runtime.TaskOver {
		state = t.Status + " at"
	}
	s := fmt.Sprintf("%s %s %s", taskName(t.Node, t.Item), state, at)
	if t.Attempt > 1 {
		s += fmt.Sprintf(", attempt %d", t.Attempt)
	}
	if !t.RetryAt.IsZero() {
		s += ", tried again at " + t.RetryAt.Local().Format(time.DateTime)
	}
	if e := t.Error; e != nil {
		s += fmt.Sprintf(" (%s): %s", e.Kind, oneLine(e.Message))
	}
	return s
}

func waitingLine(w api.WaitingNode) string {
	s := fmt.Sprintf("%s (%s) since %s, id %s", w.Node, w.Kind, w.Since.Local().Format(time.DateTime), w.ID)
	if w.Answered {
		s += ", answered"
	}
	if with, ok := w.With.V.(map[string]any); ok && with["prompt"] != nil {
		s += ": " + oneLine(value.String(with["prompt"]))
	}
	return s
}
