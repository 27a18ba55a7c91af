package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func retryCommand(a *app) *cobra.Command {
	var by string
	var limits []string
	cmd := &cobra.Command{
		Use:   "retry STACK",
		Short: "Continue a stack that has ended, with its state",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := api.RetryRequest{By: by}
			if by == "" {
				r.By = api.SystemUser()
			}
			var err error
			if r.Limits, err = parseLimits(limits); err != nil {
				return err
			}
			return a.retry(cmd.Context(), args[0], r)
		},
	}
	cmd.Flags().StringArrayVar(&limits, "limits", nil, "`K=V,…`: limits in place of those of the graph, as cycles=50 or duration=2h")
	cmd.Flags().StringVar(&by, "by", "", "`NAME` of the person, for the record (default: the user's)")
	return cmd
}

// parseLimits reads --limits K=V, repeated or with commas.
func parseLimits(flags []string) (map[string]any, error) {
	limits := map[string]any{}
	for _, flag := range flags {
		for pair := range strings.SplitSeq(flag, ",") {
			name, text, err := cutPair("--limits", strings.TrimSpace(pair), "K=V, as cycles=50")
			if err != nil {
				return nil, err
			}
			if _, twice := limits[name]; twice {
				return nil, usagef("--limits %s is given twice", name)
			}
			limits[name] = text
			switch v, _ := value.Decode([]byte(text)); v.(type) {
			case int64, float64:
				limits[name] = v
			}
		}
	}
	if _, err := machine.ReadLimits(limits); err != nil {
		return nil, usagef("--limits: %v", err)
	}
	return limits, nil
}

// retry has the process that owns the store continue a stack. Without one, it runs the
// stack here, as `graphrun run` does.
func (a *app) retry(ctx context.Context, stack string, r api.RetryRequest) error {
	c, err := api.DialOwner(ctx, a.db)
	switch {
	case err == nil:
		return firstOf(said(a.retryThere(ctx, c, stack, r)), c.Close())
	case !errors.Is(err, api.ErrNoOwner):
		return a.outOfReach(err)
	}
	if _, err := os.Stat(a.db); errors.Is(err, os.ErrNotExist) {
		return usagef("there is no store at %s (choose another with --db)", a.db)
	}
	limits, err := machine.ReadLimits(r.Limits)
	if err != nil {
		return err
	}
	f := runFlags{stack: stack, durability: string(runtime.DurabilityWave), grace: runtime.DefaultGrace, retry: &runtime.RetryOptions{By: r.By, Limits: limits}}
	s := foreground{app: a, flags: f}
	result, err := s.run(ctx)
	if err != nil {
		return err
	}
	return a.finish(result, f, ctx.Err() != nil)
}

func (a *app) retryThere(ctx context.Context, c *api.Client, stack string, r api.RetryRequest) error {
	if err := c.Retry(ctx, stack, r); err != nil {
		return known(ctx, c, stack, err)
	}
	told := toldJSON{Told: api.Told{Stack: stack, Done: "retried"}}
	if a.json() {
		return a.printJSON(told)
	}
	a.printf("%s\n", told)
	return nil
}

// storedSource is the definition that a stack of the store runs under.
func (a *app) storedSource(ctx context.Context, store runtime.Store, stack string) (*dsl.Source, error) {
	sum, err := store.Stack(ctx, stack)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, unknownStack(ctx, store, stack)
	}
	if err != nil {
		return nil, err
	}
	kept, err := store.Graph(ctx, sum.Cursor.Hash)
	if err != nil {
		return nil, err
	}
	g, err := inspect.Compile(kept, a.kinds())
	if err != nil {
		return nil, &exitError{exitInvalid, err}
	}
	return &dsl.Source{Graph: g, Text: kept.Source, File: kept.File}, nil
}
