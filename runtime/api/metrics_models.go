package api

import (
	"github.com/graphrun/graphrun/graph/journal"
)

// Asked is one question to a language model, as a step of a task records it.
type Asked struct {
	Provider, Model string
	Input, Output   int64 // tokens; 0 of a question that failed
}

// mostModels bounds the graphs, providers and models that are counted apart, since their names
// come from graphs. What comes after them counts as otherModels.
const (
	mostModels  = 500
	otherModels = "others"
)

// models count the questions to language models.
type models struct {
	read func(*journal.TaskStep) (Asked, bool) // nil if nobody can
	seen map[[3]string]bool                    // graph, provider, model

	took   map[[4]string]*buckets // graph, provider, model, error kind
	tokens map[[4]string]float64  // graph, provider, model, input or output
}

func newModels(read func(*journal.TaskStep) (Asked, bool)) models {
	return models{read, map[[3]string]bool{}, map[[4]string]*buckets{}, map[[4]string]float64{}}
}

func (m *models) step(graph string, b *journal.TaskStep) {
	if m.read == nil {
		return
	}
	asked, ok := m.read(b)
	if !ok {
		return
	}
	of := [3]string{graph, asked.Provider, asked.Model}
	if !m.seen[of] && len(m.seen) >= mostModels {
		of = [3]string{graph, otherModels, otherModels}
	}
	m.seen[of] = true
	kind := ""
	if b.Error != nil {
		kind = b.Error.Kind
	}
	lasted(m.took, [4]string{of[0], of[1], of[2], kind}, b.Duration.Seconds())
	if asked.Input > 0 {
		m.tokens[[4]string{of[0], of[1], of[2], "input"}] += float64(asked.Input)
	}
	if asked.Output > 0 {
		m.tokens[[4]string{of[0], of[1], of[2], "output"}] += float64(asked.Output)
	}
}

// write uses the names that OpenTelemetry's conventions have in Prometheus.
func (m *models) write(w *metricsText) {
	w.family("gen_ai_client_operation_duration_seconds", "histogram", "How long questions to models took.")
	for _, of := range sortedBy(m.took, func(k [4]string) []string { return k[:] }) {
		w.histogram(of[0], m.took[of], "gen_ai_provider_name", of[1], "gen_ai_request_model", of[2], "error_type", of[3])
	}
	w.family("gen_ai_client_token_usage_total", "counter", "Tokens of questions to models and of their answers.")
	for _, of := range sortedBy(m.tokens, func(k [4]string) []string { return k[:] }) {
		w.line("", of[0], m.tokens[of], "gen_ai_provider_name", of[1], "gen_ai_request_model", of[2], "gen_ai_token_type", of[3])
	}
}
