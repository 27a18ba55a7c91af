package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/graphrun/graphrun/runtime/telemetry"
	"github.com/graphrun/graphrun/runtime/telemetry/otlp"
	"github.com/graphrun/graphrun/serve"
)

// lastSending bounds how long an ending server tries to send its last spans and metrics.
const lastSending = 5 * time.Second

// observe has a server observed as the OTEL_ variables ask for. flush sends what is left,
// after the server.
func (a *app) observe(ctx context.Context, o *serve.Options) (flush func(), err error) {
	p, err := otlp.FromEnv(ctx, version)
	if wrong := (*otlp.VariableError)(nil); errors.As(err, &wrong) {
		return nil, usagef("%v", err)
	}
	if p == nil || err != nil {
		return func() {}, err
	}
	otel.SetErrorHandler(&exportErrors{log: o.Logger})
	tel, err := telemetry.New(telemetry.Config{Tracer: p.Tracer, Meter: p.Meter})
	if err != nil {
		return nil, err
	}
	if o.Kinds, err = tel.Kinds(o.Kinds); err != nil {
		return nil, err
	}
	o.Observer = tel
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSending)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			o.Logger.Warn("the last spans or metrics were not sent", "error", err)
		}
	}, nil
}

// exportErrors logs that nothing can be sent, but not each time: an unreachable collector
// fails every few seconds.
type exportErrors struct {
	log *slog.Logger

	mu sync.Mutex
	at time.Time
}

// quietExports is how long nothing more is said of failures to send.
const quietExports = 10 * time.Minute

// Handle implements otel.ErrorHandler.
func (h *exportErrors) Handle(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) < quietExports {
		return
	}
	h.at = time.Now()
	h.log.Warn("spans or metrics could not be sent", "error", err)
}
