package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func stateCommand(a *app) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "state STACK",
		Short: "Print the state of a stack, now or at any wave of its history",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			point, err := journal.ParsePoint(at)
			if err != nil {
				return usagef("--at %v", err)
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				s, err := a.stateOf(cmd.Context(), c.Store(), args[0], point)
				if err != nil {
					return err
				}
				return a.printState(s)
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the end of this `CYCLE` or CYCLE.WAVE; 0 is the beginning, 3.0 how cycle 3 begins (default: now)")
	return cmd
}

// stateJSON is what `state -o json` prints. While a wave is running, Wave is its
// number; the state does not include its writes yet.
type stateJSON struct {
	Stack string  `json:"stack"`
	Cycle uint64  `json:"cycle"`
	Wave  uint64  `json:"wave"`
	State rawJSON `json:"state"`
}

// stateOf is the stack's committed state, or the one at a point of its
// history, decided again from the recorded results.
func (a *app) stateOf(ctx context.Context, store inspect.Reader, id string, at journal.Point) (stateJSON, error) {
	then, err := inspect.At(ctx, store, a.kinds(), id, at)
	if errors.Is(err, runtime.ErrNotFound) {
		return stateJSON{}, unknownStack(ctx, store, id)
	}
	if err != nil {
		return stateJSON{}, err
	}
	return stateJSON{id, then.Point.Cycle, then.Point.Wave, rawJSON{then.State}}, nil
}

// unknownStack says which stacks there are.
func unknownStack(ctx context.Context, store inspect.Reader, id string) error {
	const most = 20
	var ids []string
	enough := errors.New("enough")
	err := store.Stacks(ctx, func(s journal.Summary) error {
		if len(ids) == most {
			ids = append(ids, "…")
			return enough
		}
		ids = append(ids, s.Identity.Stack)
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return err
	}
	if len(ids) == 0 {
		return usagef("unknown stack %q: the store has none", id)
	}
	return usagef("unknown stack %q, the store has: %s", id, strings.Join(ids, ", "))
}

func (a *app) printState(s stateJSON) error {
	if a.json() {
		return a.printJSON(s)
	}
	state, _ := s.State.v.(map[string]any)
	a.printf("%s at cycle %d, wave %d\n", s.Stack, s.Cycle, s.Wave)
	for _, key := range slices.Sorted(maps.Keys(state)) {
		a.printf("%s: %s\n", key, value.String(state[key]))
	}
	return nil
}
