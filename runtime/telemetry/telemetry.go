package telemetry

import (
	"errors"
	"sync"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
)

// scope is the name of the instrumentation.
const scope = "github.com/graphrun/graphrun/runtime/telemetry"

// Config says where spans and metrics go.
type Config struct {
	// Tracer takes the spans. Defaults to none.
	Tracer trace.TracerProvider
	// Meter takes the metrics. Defaults to none.
	Meter metric.MeterProvider
}

// Telemetry observes one runtime. It is safe for concurrent use.
type Telemetry struct {
	tracer  trace.Tracer
	meter   metric.Meter
	metrics metrics

	mu       sync.Mutex
	unlisten func()
	stacks   map[string]*stack
	gauges   []metric.Registration
}

// stack holds the open spans of one stack, whose commits come one after the other.
type stack struct {
	graph    string
	cycle    *span
	before   trace.SpanContext // of the cycle that began last: the next one is linked to it
	waves    map[uint64]*span  // by number: under `waves: eager` several are open
	attempts map[attempt]*span
}

// New creates the instruments. Errors are those of the meter.
func New(c Config) (*Telemetry, error) {
	if c.Tracer == nil {
		c.Tracer = tracenoop.NewTracerProvider()
	}
	if c.Meter == nil {
		c.Meter = metricnoop.NewMeterProvider()
	}
	t := &Telemetry{tracer: c.Tracer.Tracer(scope), meter: c.Meter.Meter(scope), stacks: map[string]*stack{}}
	return t, t.metrics.make(t.meter)
}

// committed emits what a commit says.
func (t *Telemetry) committed(c feed.Commit) {
	s := t.stack(c)
	for i := range c.Records {
		r := &c.Records[i]
		t.metrics.record(s.graph, r)
		t.span(s, r)
	}
	if c.Cursor.Status.Ended() {
		t.mu.Lock()
		delete(t.stacks, c.Stack)
		t.mu.Unlock()
	}
}

// stack finds or creates the entry for the stack of a commit.
func (t *Telemetry) stack(c feed.Commit) *stack {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stacks[c.Stack]
	if s == nil {
		s = &stack{graph: c.Graph, attempts: map[attempt]*span{}}
		t.stacks[c.Stack] = s
	}
	return s
}

// Attach listens to the commits of rt, and makes the metrics of pools report those of
// rt. Call it once, between Open and Recover.
func (t *Telemetry) Attach(rt *runtime.Runtime) error {
	reg, err := t.metrics.watch(t.meter, rt)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unlisten = rt.Feed().OnCommit("", t.committed)
	if err == nil {
		t.gauges = append(t.gauges, reg)
	}
	return err
}

// Close ends all open spans as cut off. Call it after you close the runtime, and
// before you shut down the providers.
func (t *Telemetry) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unlisten != nil {
		t.unlisten()
	}
	for _, s := range t.stacks {
		s.cutOff()
	}
	clear(t.stacks)
	var errs []error
	for _, g := range t.gauges {
		errs = append(errs, g.Unregister())
	}
	t.gauges = nil
	return errors.Join(errs...)
}

// attempt names an attempt within a stack.
type attempt struct {
	key journal.TaskKey
	n   int
}
