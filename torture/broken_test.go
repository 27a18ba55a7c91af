package torture

import (
	"context"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// broken is a store with the fault that a control is to have.
func broken(role string, s runtime.Store) runtime.Store {
	switch role {
	case "forgets results":
		return forgetful{s}
	case "acknowledges early":
		h := &hasty{Store: s, queue: make(chan runtime.Commit, 1024)}
		go h.write()
		return h
	}
	return s
}

// forgetful drops the results that were recorded in the open wave, as an
// engine does that keeps them in memory until the wave is committed.
type forgetful struct{ runtime.Store }

func (s forgetful) Load(ctx context.Context, stack string) (journal.Snapshot, error) {
	snap, err := s.Store.Load(ctx, stack)
	last := -1
	for i, r := range snap.Records {
		if _, ok := r.Body.(*journal.WaveStarted); ok {
			last = i
		}
	}
	for i := last + 1; i < len(snap.Records); i++ {
		if b, ok := snap.Records[i].Body.(*journal.TaskFinished); ok && last >= 0 && b.Status == "succeeded" {
			snap.Records[i].Body = &journal.TaskStarted{Wave: b.Wave, Node: b.Node, Item: b.Item, Attempt: b.Attempt}
		}
	}
	return snap, err
}

// hasty acknowledges a commit before it is written.
type hasty struct {
	runtime.Store
	queue chan runtime.Commit
}

func (s *hasty) Commit(ctx context.Context, c runtime.Commit) error {
	if c.Create != nil {
		return s.Store.Commit(ctx, c)
	}
	s.queue <- c
	return nil
}

func (s *hasty) write() {
	for c := range s.queue {
		<-time.After(5 * time.Millisecond)
		_ = s.Store.Commit(context.Background(), c)
	}
}
