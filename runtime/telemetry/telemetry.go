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

// Telemetry follows one runtime. It is safe for concurrent use.
type Telemetry struct {
	tracer  trace.Tracer
	meter   metric.Meter
	metrics metrics

	mu     sync.Mutex
	rt     *runtime.Runtime
	stacks map[string]*stack
	gauges []metric.Registration
}

// stack is what is open of one stack. Its commits come one after the other.
type stack struct {
	graph    string
	cycle    *span
	wave     *span
	attempts map[attempt]*span
}

// New makes the instruments. Errors are those of the meter.
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

// OnCommit is for runtime.Config.OnCommit, or to be called by the program's own.
func (t *Telemetry) OnCommit(c runtime.Commit) {
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

// stack finds or makes what is known of a commit's stack.
func (t *Telemetry) stack(c runtime.Commit) *stack {
	t.mu.Lock()
	s, rt := t.stacks[c.Stack], t.rt
	if s == nil {
		s = &stack{attempts: map[attempt]*span{}}
		t.stacks[c.Stack] = s
	}
	t.mu.Unlock()
	if s.graph == "" && c.Create != nil {
		s.graph = c.Create.Graph
	}
	if s.graph == "" && rt != nil {
		if known, ok := rt.Stack(c.Stack); ok {
			s.graph = known.Graph()
		}
	}
	return s
}

// Attach shows the pools of a runtime, and lets stacks that began in an earlier
// process be known by their graphs. Call it between Open and Recover.
func (t *Telemetry) Attach(rt *runtime.Runtime) error {
	reg, err := t.metrics.watch(t.meter, rt)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rt = rt
	if err == nil {
		t.gauges = append(t.gauges, reg)
	}
	return err
}

// Close ends all that is open, as cut off. Call it after the runtime's Close, and
// before that of the providers.
func (t *Telemetry) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
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
