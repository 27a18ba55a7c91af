package otlp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Providers are those of one process. A nil one sends nothing.
type Providers struct {
	Tracer trace.TracerProvider // nil where no traces are asked for
	Meter  metric.MeterProvider // nil where no metrics are asked for
	stop   []func(context.Context) error
}

// VariableError says that a variable asks for what there is not.
type VariableError struct{ Name, Value, Want string }

func (e *VariableError) Error() string {
	return fmt.Sprintf("%s=%q: expected %s", e.Name, e.Value, e.Want)
}

// FromEnv makes what the environment asks for. Traces and metrics are sent where
// OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER are `otlp`, or are not set and there is an
// endpoint for them (OTEL_EXPORTER_OTLP_ENDPOINT, or its form for traces or metrics):
// without any of them nothing is, although the specification would send to a
// collector on this machine. OTEL_SDK_DISABLED turns all of it off. The protocol is
// `http/protobuf`. What else the variables say (headers, timeouts, compression,
// certificates, sampling, batches, intervals, OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES) is read by OpenTelemetry's own packages. The service is called
// graphrun by default.
//
// FromEnv returns nil when nothing is to be sent. Errors: *VariableError, and those of the
// exporters, which do not connect yet.
func FromEnv(ctx context.Context, version string) (*Providers, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") { // anything else is false, says the specification
		return nil, nil
	}
	traces, err := wanted("TRACES")
	if err != nil {
		return nil, err
	}
	metrics, err := wanted("METRICS")
	if err != nil || !traces && !metrics {
		return nil, err
	}
	of, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "graphrun"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) && !errors.Is(err, resource.ErrSchemaURLConflict) {
		return nil, err
	}
	p := &Providers{}
	if traces {
		out, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, err
		}
		t := sdktrace.NewTracerProvider(sdktrace.WithBatcher(out), sdktrace.WithResource(of))
		p.Tracer, p.stop = t, append(p.stop, t.Shutdown)
	}
	if metrics {
		out, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return nil, errors.Join(err, p.Shutdown(ctx))
		}
		m := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(out)), sdkmetric.WithResource(of))
		p.Meter, p.stop = m, append(p.stop, m.Shutdown)
	}
	return p, nil
}

// Shutdown sends what is left, and ends the providers. It gives up when ctx ends. A nil
// Providers has nothing to send.
func (p *Providers) Shutdown(ctx context.Context) error {
	if p == nil {
		return nil
	}
	var errs []error
	for _, stop := range p.stop {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// wanted says whether a signal is to be sent: TRACES or METRICS.
func wanted(signal string) (bool, error) {
	endpoints := []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT"}
	on := slices.ContainsFunc(endpoints, func(name string) bool { return os.Getenv(name) != "" })
	switch name := "OTEL_" + signal + "_EXPORTER"; strings.TrimSpace(os.Getenv(name)) {
	case "":
	case "otlp":
		on = true
	case "none":
		on = false
	default:
		return false, &VariableError{name, os.Getenv(name), "otlp or none"}
	}
	if !on {
		return false, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch os.Getenv(name) {
		case "": // the next one says it, or it is the default
		case "http/protobuf":
			return true, nil
		default:
			return false, &VariableError{name, os.Getenv(name), "http/protobuf"}
		}
	}
	return true, nil
}
