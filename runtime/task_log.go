package runtime

import (
	"context"
	"log/slog"
)

// taskLog names its task in what passes to the next handler. It does so when
// something is logged, which most tasks never do.
type taskLog struct {
	next slog.Handler
	a    *attempt
	name string // of the graph
}

func (h taskLog) named() slog.Handler {
	k := h.a.task.Key
	return h.next.WithAttrs([]slog.Attr{
		slog.String("graph", h.name), slog.Uint64("cycle", k.Cycle), slog.Uint64("wave", k.Wave),
		slog.String("node", k.Node), slog.Int("attempt", h.a.task.Attempt),
	})
}

func (h taskLog) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h taskLog) Handle(ctx context.Context, r slog.Record) error { return h.named().Handle(ctx, r) }

func (h taskLog) WithAttrs(attrs []slog.Attr) slog.Handler { return h.named().WithAttrs(attrs) }

func (h taskLog) WithGroup(name string) slog.Handler { return h.named().WithGroup(name) }
