package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// The attributes of OpenTelemetry's conventions for generative AI that we use. The Go
// packages of the conventions have them up to v1.41 only.
const (
	genOperation  = attribute.Key("gen_ai.operation.name")
	genAgent      = attribute.Key("gen_ai.agent.name")
	genProvider   = attribute.Key("gen_ai.provider.name")
	genModel      = attribute.Key("gen_ai.request.model")
	genFinish     = attribute.Key("gen_ai.response.finish_reasons")
	genInput      = attribute.Key("gen_ai.usage.input_tokens")
	genOutput     = attribute.Key("gen_ai.usage.output_tokens")
	genCacheRead  = attribute.Key("gen_ai.usage.cache_read.input_tokens")
	genCacheWrite = attribute.Key("gen_ai.usage.cache_creation.input_tokens")
	genTool       = attribute.Key("gen_ai.tool.name")
	genTokenType  = attribute.Key("gen_ai.token.type")
	errorType     = attribute.Key("error.type")
)

const (
	chat        = "chat"         // a question to a model
	executeTool = "execute_tool" // a call that was made
	invokeAgent = "invoke_agent" // an attempt of an agent
)

// generation is what a step of an agent says about itself.
type generation struct {
	operation string
	what      string // the model or the tool
	provider  string
	answer    agent.Answer // of a question; zero if it failed
	refused   bool         // a call that was not made: what is a word of the model's
}

// generationOf is nil for a step of anything but an agent. An agent that is a tool of one
// has its steps below the call: they count as any other.
func generationOf(b *journal.TaskStep) *generation {
	_, step := nodes.Below(b.Name)
	if name, ok := strings.CutPrefix(step, agent.ModelStep); ok {
		g := &generation{operation: chat}
		g.provider, g.what, _ = strings.Cut(name, "/")
		if a, err := agent.ReadAnswer(b.Content); err == nil && b.Error == nil {
			g.answer = a
		}
		return g
	}
	if name, ok := strings.CutPrefix(step, agent.ToolStep); ok {
		if d, err := agent.ReadDone(b.Content); err == nil {
			return &generation{operation: executeTool, what: name, refused: d.Refused}
		}
	}
	return nil
}

// attributes of the span.
func (g *generation) attributes() []attribute.KeyValue {
	if g.operation == executeTool {
		return []attribute.KeyValue{genOperation.String(g.operation), genTool.String(g.what)}
	}
	of := []attribute.KeyValue{genOperation.String(g.operation), genProvider.String(g.provider), genModel.String(g.what)}
	if a := g.answer; a.Stop != "" {
		of = append(of, genFinish.StringSlice([]string{string(a.Stop)}), genInput.Int64(a.Input), genOutput.Int64(a.Output),
			attribute.Bool("graphrun.usage.estimated", a.Estimated))
		if a.Cached > 0 {
			of = append(of, genCacheRead.Int64(a.Cached))
		}
		if a.Write > 0 {
			of = append(of, genCacheWrite.Int64(a.Write))
		}
	}
	return of
}

// span opens and ends the span of a step below that of its attempt: it is known when it
// is over.
func (g *generation) span(t *Telemetry, attempt *span, r *journal.Record, b *journal.TaskStep) {
	attempt.SetName(invokeAgent + " " + b.Node) // the conventions name it so; the first step tells that it is an agent
	attempt.SetAttributes(genOperation.String(invokeAgent), genAgent.String(b.Node))
	_, sp := t.tracer.Start(attempt.ctx, g.operation+" "+g.what, trace.WithTimestamp(r.Time.Add(-b.Duration)),
		trace.WithSpanKind(g.kind()), trace.WithAttributes(append(g.attributes(), attribute.Int("graphrun.step", b.Step))...))
	s := span{Span: sp}
	why := ""
	if b.Error != nil {
		why = b.Error.Kind
	}
	s.end(r.Time, why)
}

func (g *generation) kind() trace.SpanKind {
	if g.operation == chat {
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}

// question counts what the conventions count of a question to a model.
func (m *metrics) question(g *generation, b *journal.TaskStep) {
	ctx := context.Background()
	of := []attribute.KeyValue{genOperation.String(g.operation), genProvider.String(g.provider), genModel.String(g.what)}
	took := of
	if b.Error != nil {
		took = append(took[:len(took):len(took)], errorType.String(b.Error.Kind))
	}
	m.asked.Record(ctx, b.Duration.Seconds(), metric.WithAttributes(took...))
	for kind, n := range map[string]int64{"input": g.answer.Input, "output": g.answer.Output} {
		if n > 0 {
			m.usage.Record(ctx, n, metric.WithAttributes(append(of[:len(of):len(of)], genTokenType.String(kind))...))
		}
	}
}
