package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/graphrun/graphrun/graph/journal"
)

// span is an open span, with the context for its children.
type span struct {
	trace.Span
	ctx  context.Context
	left int // of a wave: nodes that are not committed
}

// span opens and closes what a record is about. A process that takes over a stack
// sees the middle of a cycle: the first record of a span that is missing opens it.
func (t *Telemetry) span(s *stack, r *journal.Record) {
	switch b := r.Body.(type) {
	case *journal.CycleStarted:
		s.cutOffCycle()
		t.openCycle(s, r)
	case *journal.WaveStarted:
		if len(b.Nodes) > 0 {
			t.openWave(s, r, b.Wave).left = len(b.Nodes)
		}
	case *journal.TaskStarted:
		t.openAttempt(s, r, b)
	case *journal.TaskStep:
		t.stepDone(s, r, b)
	case *journal.TaskHeld:
		t.closeHeld(s, r, b)
	case *journal.TaskFinished:
		t.closeAttempt(s, r, b)
	case *journal.WaveCommitted:
		if w := s.waves[b.Wave]; w != nil {
			if w.left -= len(b.Settled); w.left <= 0 || b.Commit == 0 {
				w.end(r.Time, "")
				delete(s.waves, b.Wave)
			}
		}
	case *journal.CycleFinished:
		if s.cycle != nil {
			s.cycle.SetAttributes(attribute.Int("graphrun.waves", b.Waves), attribute.Int("graphrun.node_runs", b.NodeRuns))
			why := ""
			if b.Failed {
				why = "failed cycle"
			}
			s.cycle.end(r.Time, why)
			s.cycle = nil
		}
	case *journal.StackFinished:
		if s.cycle != nil {
			s.cycle.SetAttributes(attribute.String("graphrun.stack.status", string(b.Status)))
		}
		s.cutOff()
	}
}

func (t *Telemetry) open(parent context.Context, name string, at time.Time, attrs ...attribute.KeyValue) *span {
	ctx, sp := t.tracer.Start(parent, name, trace.WithTimestamp(at), trace.WithAttributes(attrs...))
	return &span{Span: sp, ctx: ctx}
}

func (t *Telemetry) openCycle(s *stack, r *journal.Record) {
	var links []trace.Link
	if s.before.IsValid() {
		links = []trace.Link{{SpanContext: s.before}}
	}
	ctx, sp := t.tracer.Start(context.Background(), "cycle "+s.graph, trace.WithTimestamp(r.Time), trace.WithLinks(links...),
		trace.WithAttributes(attribute.String("graphrun.graph", s.graph), attribute.String("graphrun.stack", r.Stack),
			attribute.Int64("graphrun.cycle", int64(r.Cycle))))
	s.cycle, s.before = &span{Span: sp, ctx: ctx}, sp.SpanContext()
}

func (t *Telemetry) openWave(s *stack, r *journal.Record, wave uint64) *span {
	if s.cycle == nil {
		t.openCycle(s, r)
	}
	w := t.open(s.cycle.ctx, fmt.Sprintf("wave %d", wave), r.Time, attribute.Int64("graphrun.wave", int64(wave)))
	if s.waves == nil {
		s.waves = map[uint64]*span{}
	}
	s.waves[wave] = w
	return w
}

func (t *Telemetry) openAttempt(s *stack, r *journal.Record, b *journal.TaskStarted) {
	if s.waves[b.Wave] == nil && b.Began == 0 {
		t.openWave(s, r, b.Wave)
	}
	parent := context.Background() // for a background node that continues in a later cycle
	switch {
	case b.Began == 0:
		parent = s.waves[b.Wave].ctx
	case s.cycle != nil:
		parent = s.cycle.ctx
	}
	sp := t.open(parent, b.Node, r.Time, attribute.String("graphrun.graph", s.graph),
		attribute.String("graphrun.stack", r.Stack), attribute.Int64("graphrun.cycle", int64(cmp.Or(b.Began, r.Cycle))),
		attribute.Int64("graphrun.wave", int64(b.Wave)), attribute.String("graphrun.node", b.Node),
		attribute.Int("graphrun.attempt", b.Attempt))
	t.mu.Lock()
	defer t.mu.Unlock()
	s.attempts[attemptOf(r, b.Began, b.Wave, b.Node, b.Item, b.Attempt)] = sp
}

func (t *Telemetry) closeAttempt(s *stack, r *journal.Record, b *journal.TaskFinished) {
	a := attemptOf(r, b.Began, b.Wave, b.Node, b.Item, b.Attempt)
	t.mu.Lock()
	sp := s.attempts[a]
	delete(s.attempts, a)
	t.mu.Unlock()
	if sp == nil {
		return // it never began, or waited for somebody since an earlier process
	}
	why := ""
	if b.Error != nil {
		why = b.Error.Kind
		sp.SetAttributes(attribute.String("error.type", b.Error.Kind), attribute.Bool("graphrun.retried", !b.RetryAt.IsZero()))
	}
	sp.end(r.Time, why)
}

// closeHeld ends the span of an attempt that returned because its task waits for a
// person's word. The attempt that continues has a span of its own.
func (t *Telemetry) closeHeld(s *stack, r *journal.Record, b *journal.TaskHeld) {
	a := attemptOf(r, b.Began, b.Wave, b.Node, b.Item, b.Attempt)
	t.mu.Lock()
	sp := s.attempts[a]
	delete(s.attempts, a)
	t.mu.Unlock()
	if sp != nil {
		sp.SetAttributes(attribute.Bool("graphrun.held", true))
		sp.end(r.Time, "")
	}
}

// stepDone shows a recorded step below the span of its attempt: a question or a call of an
// agent as a span, any other step as an event.
func (t *Telemetry) stepDone(s *stack, r *journal.Record, b *journal.TaskStep) {
	t.mu.Lock()
	sp := s.attempts[attemptOf(r, b.Began, b.Wave, b.Node, b.Item, b.Attempt)]
	t.mu.Unlock()
	if sp == nil || b.Mark {
		return
	}
	if g := generationOf(b); g != nil {
		if !g.refused {
			g.span(t, sp, r, b)
		}
		return
	}
	attrs := []attribute.KeyValue{attribute.String("graphrun.step.name", b.Name), attribute.Int("graphrun.step", b.Step),
		attribute.Int64("graphrun.step.duration_ms", b.Duration.Milliseconds())}
	if b.Error != nil {
		attrs = append(attrs, attribute.String("error.type", b.Error.Kind))
	}
	sp.AddEvent("step", trace.WithTimestamp(r.Time), trace.WithAttributes(attrs...))
}

func attemptOf(r *journal.Record, began, wave uint64, node, item string, n int) attempt {
	return attempt{journal.TaskKey{Cycle: cmp.Or(began, r.Cycle), Wave: wave, Node: node, Item: item}, n}
}

// end closes a span; why is the error kind, or "" for a success.
func (s *span) end(at time.Time, why string) {
	if why != "" {
		s.SetStatus(codes.Error, why)
	}
	s.End(trace.WithTimestamp(at))
}

const cutOff = "cut off"

// cutOffCycle ends the open spans of a cycle whose end this process will not see.
// Background nodes outlive it.
func (s *stack) cutOffCycle() {
	for _, sp := range s.waves { // in any order
		sp.end(time.Now(), cutOff)
	}
	clear(s.waves)
	if s.cycle != nil {
		s.cycle.end(time.Now(), cutOff)
		s.cycle = nil
	}
}

func (s *stack) cutOff() {
	for a, sp := range s.attempts {
		sp.end(time.Now(), cutOff)
		delete(s.attempts, a)
	}
	s.cutOffCycle()
}
