// Package telemetry shows what a runtime does to OpenTelemetry: a trace for every
// cycle, with a span for each wave and each attempt, and metrics of cycles, tasks
// and pools. Providers are passed in, nothing is global, and the engine knows
// nothing of it: it reads commits, once the store has them.
//
// It is a module of its own, so that programs that do without do not link
// OpenTelemetry:
//
//	tel, err := telemetry.New(telemetry.Config{Tracer: tracerProvider, Meter: meterProvider})
//	kinds, err := tel.Kinds(std.Registry())
//	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds, OnCommit: tel.OnCommit})
//	err = tel.Attach(rt)
//
// Names, counts, kinds of failures and times are shown. Values never are: no
// output, no message of a failure, no key of an element, since any of them may come
// out of a stack's state.
package telemetry
