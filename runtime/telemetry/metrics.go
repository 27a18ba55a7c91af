package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// metrics are the instruments. Their attributes are names that authors gave
// (graph, node, pool), and words of ours: there are few, and none comes from a state.
type metrics struct {
	cycles   metric.Int64Counter     // by graph, failed
	attempts metric.Int64Counter     // by graph, node, status, error.type
	took     metric.Float64Histogram // of an attempt, in seconds; by graph, node, status
	stacks   metric.Int64Counter     // that ended; by graph, status
	tokens   metric.Int64Counter     // by graph, node
	cost     metric.Float64Counter   // by graph, node
	asked    metric.Float64Histogram // a question to a model, in seconds; by provider, model, error.type
	usage    metric.Int64Histogram   // tokens of a question; by provider, model, type

	running metric.Int64ObservableGauge // tasks; by graph, pool
	queued  metric.Int64ObservableGauge
	limit   metric.Int64ObservableGauge
}

func (m *metrics) make(meter metric.Meter) (err error) {
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	count := func(name, unit, what string) metric.Int64Counter {
		c, e := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		keep(e)
		return c
	}
	gauge := func(name, what string) metric.Int64ObservableGauge {
		g, e := meter.Int64ObservableGauge(name, metric.WithUnit("{task}"), metric.WithDescription(what))
		keep(e)
		return g
	}
	var e error
	m.cycles = count("graphrun.cycles", "{cycle}", "Cycles that were finished.")
	m.attempts = count("graphrun.attempts", "{attempt}", "Attempts of tasks that ended.")
	m.stacks = count("graphrun.stacks.finished", "{stack}", "Stacks that ended.")
	m.tokens = count("graphrun.tokens", "{token}", "Tokens that nodes used.")
	m.took, e = meter.Float64Histogram("graphrun.attempt.duration", metric.WithUnit("s"),
		metric.WithDescription("How long attempts took."))
	keep(e)
	m.cost, e = meter.Float64Counter("graphrun.cost", metric.WithDescription("What nodes cost, in the unit of the graph."))
	keep(e)
	m.asked, e = meter.Float64Histogram("gen_ai.client.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("How long questions to models took."))
	keep(e)
	m.usage, e = meter.Int64Histogram("gen_ai.client.token.usage", metric.WithUnit("{token}"),
		metric.WithDescription("Tokens of questions to models and of their answers."))
	keep(e)
	m.running = gauge("graphrun.pool.running", "Tasks that hold a slot.")
	m.queued = gauge("graphrun.pool.queued", "Tasks that wait for a slot.")
	m.limit = gauge("graphrun.pool.limit", "Slots of a pool.")
	return err
}

// record counts one record.
func (m *metrics) record(graph string, r *journal.Record) {
	ctx := context.Background()
	g := attribute.String("graphrun.graph", graph)
	switch b := r.Body.(type) {
	case *journal.CycleFinished:
		m.cycles.Add(ctx, 1, metric.WithAttributes(g, attribute.Bool("graphrun.failed", b.Failed)))
	case *journal.StackFinished:
		m.stacks.Add(ctx, 1, metric.WithAttributes(g, attribute.String("graphrun.stack.status", string(b.Status))))
	case *journal.TaskFinished:
		node := attribute.String("graphrun.node", b.Node)
		status := attribute.String("graphrun.status", b.Status)
		if !b.Cached && b.Attempt > 0 {
			of := []attribute.KeyValue{g, node, status}
			m.took.Record(ctx, b.Duration.Seconds(), metric.WithAttributes(of...))
			if b.Error != nil {
				of = append(of, attribute.String("error.type", b.Error.Kind))
			}
			m.attempts.Add(ctx, 1, metric.WithAttributes(of...))
		}
		m.used(g, b.Node, b.Tokens, b.Cost)
	case *journal.TaskStep:
		m.used(g, b.Node, b.Tokens, b.Cost)
		if g := generationOf(b); g != nil && g.operation == chat {
			m.question(g, b)
		}
	case *journal.TaskHeld:
		m.used(g, b.Node, b.Tokens, b.Cost)
	case *journal.TaskUsed:
		m.used(g, b.Node, b.Tokens, b.Cost)
	}
}

// used counts tokens and cost. Each is in one record only: a step's own, and what an
// attempt used besides its steps in the record of its end.
func (m *metrics) used(graph attribute.KeyValue, node string, tokens int64, cost float64) {
	of := metric.WithAttributes(graph, attribute.String("graphrun.node", node))
	if tokens > 0 {
		m.tokens.Add(context.Background(), tokens, of)
	}
	if cost > 0 {
		m.cost.Add(context.Background(), cost, of)
	}
}

// watch reports the pools of a runtime whenever metrics are collected.
func (m *metrics) watch(meter metric.Meter, rt *runtime.Runtime) (metric.Registration, error) {
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, p := range rt.PoolStatus() {
			of := metric.WithAttributes(attribute.String("graphrun.graph", p.Graph), attribute.String("graphrun.pool", p.Pool))
			o.ObserveInt64(m.running, int64(p.Running), of)
			o.ObserveInt64(m.queued, int64(p.Queued), of)
			o.ObserveInt64(m.limit, int64(p.Parallel), of)
		}
		return nil
	}, m.running, m.queued, m.limit)
}
