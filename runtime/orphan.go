package runtime

import (
	"context"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
)

// cleanUpTime bounds the cleaning up after one attempt.
const cleanUpTime = 15 * time.Second

// warnOfParked logs which tasks are not started again for a while.
func (s *Stack) warnOfParked() {
	for _, p := range s.m.Cursor().Parked {
		s.log.Warn("a task is parked: the engine died too often while it ran", "stack", s.name,
			"node", p.Node, "item", p.Item, "until", p.Until)
	}
}

// clear ends what an attempt of an earlier process left behind, and then tells the
// machine. The slot of its pool is taken until then.
func (s *Stack) clear(o machine.Orphan) {
	var used journal.Counts // by the graph that it ran
	gone := func() {
		s.step(machine.TaskFailed{At: s.now(), Key: o.Key, Attempt: o.Attempt, Tokens: used.Tokens, Cost: used.Cost})
	}
	i, ok := s.g.NodeByID(o.Key.Node)
	if !ok {
		gone()
		return
	}
	n := &s.g.Nodes[i]
	spec, _ := s.rt.cfg.Kinds.Spec(n.Kind.Name)
	_, cleans := spec.Node.(nodes.Cleaner)
	if !cleans && (!n.Kind.Runs || o.Again) { // the next attempt goes on with the child
		gone()
		return
	}
	slot := &pool.Ticket{Owner: s.name}
	if n.Pool >= 0 {
		slot.Pool = s.pools[n.Pool]
		s.rt.pools.Hold(slot)
	}
	t := s.task(n, o.Key)
	t.Attempt = o.Attempt
	t.Logger = slog.New(s.log.Handler())
	ctx, cancel := context.WithTimeout(s.rt.base, cleanUpTime)
	s.clears = append(s.clears, cancel)
	s.away++
	go func() {
		defer cancel()
		var err error = errGoexit // unless the kind lets this goroutine go on
		defer func() {
			cutOff := ctx.Err() == context.Canceled
			s.post(func() {
				s.away--
				s.ended = append(s.ended, slot)
				if cutOff { // by a shutdown: whoever goes on with the stack does it again
					return
				}
				if err != nil {
					s.log.Warn("an attempt that was cut off has left something behind", "node", o.Key.Node, "item", o.Key.Item, "error", err)
				}
				gone()
			})
		}()
		if n.Kind.Runs {
			id := childID(s.name, o.Key)
			if snap, broken := s.rt.cfg.Store.Load(s.rt.base, id); broken == nil && snap.Identity.Parent == t.Key {
				used = snap.Cursor.Counts
			}
			s.rt.discard(id)
			err = nil
		} else {
			err = nodes.CleanUp(ctx, spec, t)
		}
	}()
}

// stopClearing cuts the cleaning up off. The store still has what is to be done.
func (s *Stack) stopClearing() {
	for _, cancel := range s.clears {
		cancel()
	}
	s.clears = nil
}

func taskOf(r *journal.Record, began, wave uint64, node, item string) journal.TaskKey {
	if began == 0 {
		began = r.Cycle
	}
	return journal.TaskKey{Cycle: began, Wave: wave, Node: node, Item: item}
}
