// Package otlp makes the OpenTelemetry providers that the standard OTEL_ variables of the
// environment ask for. They send to a collector over HTTP, in the background and in batches.
//
//	p, err := otlp.FromEnv(ctx, "1.2.3")
//	tel, err := telemetry.New(telemetry.Config{Tracer: p.Tracer, Meter: p.Meter})
//	…
//	err = p.Shutdown(ctx)
package otlp
