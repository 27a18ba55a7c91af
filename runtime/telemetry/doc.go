// Package telemetry emits OpenTelemetry traces and metrics of a runtime: a trace for
// every cycle, with a span for each wave and each attempt, and metrics of cycles,
// tasks and pools. Below an attempt of an agent there is a span for each question to a
// model and each call of a tool, with the attributes that OpenTelemetry has for them.
// Providers are passed in and nothing is global. The engine does not know about it: the
// package reads commits once the store has them.
//
// The trace of a cycle is linked to that of the cycle before. `graphrun serve` uses it with
// the providers of telemetry/otlp; only programs that import the package link OpenTelemetry:
//
//	tel, err := telemetry.New(telemetry.Config{Tracer: tracerProvider, Meter: meterProvider})
//	kinds, err := tel.Kinds(std.Registry())
//	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds})
//	err = tel.Attach(rt)
//
// It emits names, counts, times and error kinds. It never emits values: no output, no
// message of a failure, no key of an element, no word of a model, because any of them may
// come from the state of a stack or from outside.
package telemetry
