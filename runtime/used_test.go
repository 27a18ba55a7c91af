package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestWhatEndedAttemptsUsed: what an attempt has spent counts, however it ends.
func TestWhatEndedAttemptsUsed(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(k *runtimetest.Kit){
		"timed out": func(k *runtimetest.Kit) { k.Forward(2 * time.Second) },
		"cancelled": func(k *runtimetest.Kit) {
			k.Forward(500 * time.Millisecond)
			if err := k.Runtime.CancelTask(k.T.Context(), "one", "a", ""); err != nil {
				t.Error(err)
			}
		},
		"cut off": func(k *runtimetest.Kit) {
			k.Forward(500 * time.Millisecond)
			k.Reopen()
			k.Resume("one", runtime.ResumeOptions{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				runs := 0
				k.Node("a", func(ctx context.Context, _ nodes.Task) (any, error) {
					if runs++; runs > 1 {
						return 1, nil
					}
					nodes.Spend(ctx, 7, 0.5)
					<-ctx.Done()
					return nil, errors.New("ended")
				})
				start(k, one(k.T, 1, `, "timeout": 1000000000, "retry": {"attempts": 2}`, ``))
				ends(k)
				k.Forward(time.Minute)
				s, err := k.Store.Stack(k.T.Context(), "one")
				if err != nil {
					k.T.Fatal(err)
				}
				if c := s.Cursor.Counts; c.Tokens != 7 || c.Cost != 0.5 || s.Cursor.Status != journal.Completed || runs != 2 {
					k.T.Errorf("%s after %d runs: %d tokens, cost %g", s.Cursor.Status, runs, c.Tokens, c.Cost)
				}
			})
		})
	}
}
