package runtime

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// childTypes are the types of the records that say which children there may be.
var childTypes = []string{"task.started", "task.mark"}

// childrenIn lists the ids of the children that the tasks of some records may have.
func childrenIn(stack string, records []journal.Record) (ids []string) {
	for i := range records {
		switch b := records[i].Body.(type) {
		case *journal.TaskStarted:
			key, _ := records[i].Task()
			ids = append(ids, machine.ChildID(stack, key))
		case *journal.TaskStep:
			key, _ := records[i].Task()
			if c := childMarked(stack, key, b); c.id != "" {
				ids = append(ids, c.id)
			}
		}
	}
	return ids
}

// calledChild is the child of a call, with the numbers of the call.
type calledChild struct{ id, call string }

// childMarked is the child that a mark speaks of; without id for any other step.
func childMarked(stack string, key journal.TaskKey, b *journal.TaskStep) calledChild {
	if numbers, name := nodes.Below(b.Name); b.Mark && numbers != "" && name == work.ChildMark {
		return calledChild{machine.CallChildID(stack, key, numbers), numbers}
	}
	return calledChild{}
}

// callsGraphs reports whether tasks of a node may call tools that run graphs.
func callsGraphs(g *graph.Graph, calls []graph.ToolName) bool {
	for _, c := range calls {
		if c.Of != graph.OwnTool {
			continue
		}
		if t := &g.Tools[c.Index]; t.Kind.Runs || callsGraphs(g, t.Calls) {
			return true
		}
	}
	return false
}

// leftOver lists the children of calls whose tasks are over by the records of an open
// cycle, and those of tasks that are not.
func leftOver(stack string, records []journal.Record) (over []string, open map[journal.TaskKey][]calledChild) {
	open = map[journal.TaskKey][]calledChild{}
	for i := range records {
		key, _ := records[i].Task()
		switch b := records[i].Body.(type) {
		case *journal.TaskStep:
			if c := childMarked(stack, key, b); c.id != "" && !slices.Contains(open[key], c) {
				open[key] = append(open[key], c)
			}
		case *journal.TaskFinished:
			if b.RetryAt.IsZero() {
				for _, c := range open[key] {
					over = append(over, c.id)
				}
				delete(open, key)
			}
		}
	}
	return over, open
}
