package runtime

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// cleanUpTime bounds the cleaning up after one task.
const cleanUpTime = 15 * time.Second

// cutTasks sorts the tasks that ran when the process before this one ended. What
// a kind may have left behind is seen to by the attempt that follows (nodes.Task.Rerun);
// after a task that ends without one, clean up. The child of a node that runs a
// graph goes with its task, or is taken up again.
func (s *Stack) cutTasks() {
	for _, key := range s.m.CutOff() {
		i, ok := s.g.NodeByID(key.Node)
		if !ok {
			continue
		}
		n := &s.g.Nodes[i]
		spec, _ := s.rt.cfg.Kinds.Spec(n.Kind.Name)
		if _, ok := spec.Node.(nodes.Cleaner); ok {
			s.cut = append(s.cut, key)
		}
		if n.Kind.Runs {
			s.children.done = append(s.children.done, childOf{key.Node, childID(s.name, key)})
		}
	}
}

// leftBehind looks in what was committed for the ends of tasks that were cut.
func (s *Stack) leftBehind(records []journal.Record) {
	for i := range records {
		switch b := records[i].Body.(type) {
		case *journal.TaskStarted:
			s.uncut(taskOf(&records[i], b.Began, b.Wave, b.Node, b.Item))
		case *journal.TaskFinished:
			if key := taskOf(&records[i], b.Began, b.Wave, b.Node, b.Item); s.uncut(key) {
				s.cleanUp(key)
			}
		case *journal.StackFinished:
			for _, key := range s.cut {
				s.cleanUp(key)
			}
			s.cut = nil
		}
	}
}

func taskOf(r *journal.Record, began, wave uint64, node, item string) journal.TaskKey {
	if began == 0 {
		began = r.Cycle
	}
	return journal.TaskKey{Cycle: began, Wave: wave, Node: node, Item: item}
}

// warnOfParked says aloud which tasks are not started again for a while. What is
// left of them is seen to when they are, or when they end without: to do so now
// could hit an attempt that somebody lets run at once.
func (s *Stack) warnOfParked() {
	for _, p := range s.m.Cursor().Parked {
		s.log.Warn("a task is parked: the engine died too often while it ran", "stack", s.name,
			"node", p.Node, "item", p.Item, "until", p.Until)
	}
}

// uncut forgets a task; false: it was not among them.
func (s *Stack) uncut(key journal.TaskKey) bool {
	i := slices.Index(s.cut, key)
	if i < 0 {
		return false
	}
	s.cut = slices.Delete(s.cut, i, i+1)
	return true
}

// cleanUp ends what the attempts of a task left behind. The stack goes on
// meanwhile, but is not put away.
func (s *Stack) cleanUp(key journal.TaskKey) {
	i, ok := s.g.NodeByID(key.Node)
	if !ok {
		return // the graph has changed, and its kind went with it
	}
	n := &s.g.Nodes[i]
	spec, _ := s.rt.cfg.Kinds.Spec(n.Kind.Name)
	t := s.task(n, key)
	t.Logger = slog.New(s.log.Handler())
	s.away++
	go func() {
		ctx, cancel := context.WithTimeout(s.rt.base, cleanUpTime)
		defer cancel()
		if err := nodes.CleanUp(ctx, spec, t); err != nil {
			s.log.Warn("an attempt that was cut off has left something behind", "node", key.Node, "item", key.Item, "error", err)
		}
		s.post(func() { s.away-- })
	}()
}
