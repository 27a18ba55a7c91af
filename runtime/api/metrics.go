package api

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
)

// metricsType is the text format of Prometheus.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// bounds are those of the buckets of durations, in seconds.
var bounds = []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 7200}

// Metrics count what the stacks of a runtime do, for GET /metrics. Their labels are names that
// authors gave (graph, node, pool), words of the engine and kinds of errors: none is the id of
// a stack. Safe for concurrent use.
type Metrics struct {
	mu       sync.Mutex
	cycles   map[[2]string]float64 // graph, failed
	stacks   map[[2]string]float64 // graph, status
	attempts map[[4]string]float64 // graph, node, status, error kind
	took     map[[3]string]*buckets
	tokens   map[[2]string]float64 // graph, node
	cost     map[[2]string]float64
	models   models
}

// buckets are durations in seconds.
type buckets struct {
	counts []uint64 // by bounds, and one for those beyond
	sum    float64
}

// NewMetrics counts the commits of a feed from now on. asked reads the question to a language
// model that a step records, and returns false for a step that is none; nil counts no
// questions.
func NewMetrics(f *feed.Feed, asked func(*journal.TaskStep) (Asked, bool)) *Metrics {
	m := &Metrics{
		cycles: map[[2]string]float64{}, stacks: map[[2]string]float64{}, attempts: map[[4]string]float64{},
		took: map[[3]string]*buckets{}, tokens: map[[2]string]float64{}, cost: map[[2]string]float64{}, models: newModels(asked),
	}
	f.OnCommit("", m.commit)
	return m
}

func (m *Metrics) commit(c feed.Commit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range c.Records {
		m.record(c.Graph, &c.Records[i])
	}
}

func (m *Metrics) record(graph string, r *journal.Record) {
	switch b := r.Body.(type) {
	case *journal.CycleFinished:
		m.cycles[[2]string{graph, strconv.FormatBool(b.Failed)}]++
	case *journal.StackFinished:
		m.stacks[[2]string{graph, string(b.Status)}]++
	case *journal.TaskFinished:
		if !b.Cached && b.Attempt > 0 {
			kind := ""
			if b.Error != nil {
				kind = b.Error.Kind
			}
			m.attempts[[4]string{graph, b.Node, b.Status, kind}]++
			lasted(m.took, [3]string{graph, b.Node, b.Status}, b.Duration.Seconds())
		}
		m.used(graph, b.Node, b.Tokens, b.Cost)
	case *journal.TaskStep:
		m.models.step(graph, b)
		m.used(graph, b.Node, b.Tokens, b.Cost)
	case *journal.TaskHeld:
		m.used(graph, b.Node, b.Tokens, b.Cost)
	case *journal.TaskUsed:
		m.used(graph, b.Node, b.Tokens, b.Cost)
	}
}

func lasted[K comparable](took map[K]*buckets, of K, seconds float64) {
	h := took[of]
	if h == nil {
		h = &buckets{counts: make([]uint64, len(bounds)+1)}
		took[of] = h
	}
	i, _ := slices.BinarySearch(bounds, seconds)
	h.counts[i]++
	h.sum += seconds
}

func (m *Metrics) used(graph, node string, tokens int64, cost float64) {
	of := [2]string{graph, node}
	if tokens > 0 {
		m.tokens[of] += float64(tokens)
	}
	if cost > 0 {
		m.cost[of] += cost
	}
}

// metrics writes the counters, and how the engine stands at this moment.
func (c *call) metrics() error {
	w := &metricsText{sees: c.seesGraph}
	if c.o.Metrics != nil {
		c.o.Metrics.write(w)
	}
	var pools []runtime.PoolStatus
	if engine, ok := c.engine.(Pooler); ok {
		pools = engine.PoolStatus()
	}
	w.family("graphrun_pool_running", "gauge", "Tasks that hold a slot.")
	for _, p := range pools {
		w.line("", p.Graph, float64(p.Running), "pool", p.Pool)
	}
	w.family("graphrun_pool_queued", "gauge", "Tasks that wait for a slot.")
	for _, p := range pools {
		w.line("", p.Graph, float64(p.Queued), "pool", p.Pool)
	}
	w.family("graphrun_pool_limit", "gauge", "Slots of a pool.")
	for _, p := range pools {
		w.line("", p.Graph, float64(p.Parallel), "pool", p.Pool)
	}
	var driven map[string]int
	if engine, ok := c.engine.(Watchable); ok {
		driven = engine.Driven()
	}
	w.family("graphrun_stacks_driven", "gauge", "Stacks that this process runs.")
	for _, graph := range slices.Sorted(maps.Keys(driven)) {
		w.line("", graph, float64(driven[graph]))
	}
	if c.who.Graph == "" {
		failing := 0.0
		if c.ill() != nil {
			failing = 1
		}
		w.family("graphrun_store_failing", "gauge", "1 while the store takes no commits.")
		w.line("", "", failing)
		w.family("graphrun_build_info", "gauge", "1, with the version of the program.")
		w.line("", "", 1, "version", c.o.Server.Version)
	}
	c.w.Header().Set("Content-Type", metricsType)
	giveTime(c.w)
	_, _ = c.w.Write(w.b) // a client that has gone needs no answer
	return nil
}

func (m *Metrics) write(w *metricsText) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.family("graphrun_cycles_total", "counter", "Cycles that were finished.")
	for _, of := range sortedBy(m.cycles, func(k [2]string) []string { return k[:] }) {
		w.line("", of[0], m.cycles[of], "failed", of[1])
	}
	w.family("graphrun_stacks_finished_total", "counter", "Stacks that ended.")
	for _, of := range sortedBy(m.stacks, func(k [2]string) []string { return k[:] }) {
		w.line("", of[0], m.stacks[of], "status", of[1])
	}
	w.family("graphrun_attempts_total", "counter", "Attempts of tasks that ended.")
	for _, of := range sortedBy(m.attempts, func(k [4]string) []string { return k[:] }) {
		w.line("", of[0], m.attempts[of], "node", of[1], "status", of[2], "error_type", of[3])
	}
	w.family("graphrun_attempt_duration_seconds", "histogram", "How long attempts took.")
	for _, of := range sortedBy(m.took, func(k [3]string) []string { return k[:] }) {
		w.histogram(of[0], m.took[of], "node", of[1], "status", of[2])
	}
	w.family("graphrun_tokens_total", "counter", "Tokens that nodes used.")
	for _, of := range sortedBy(m.tokens, func(k [2]string) []string { return k[:] }) {
		w.line("", of[0], m.tokens[of], "node", of[1])
	}
	w.family("graphrun_cost_total", "counter", "What nodes cost, in the unit of the graph.")
	for _, of := range sortedBy(m.cost, func(k [2]string) []string { return k[:] }) {
		w.line("", of[0], m.cost[of], "node", of[1])
	}
	m.models.write(w)
}

func sortedBy[K comparable, V any](m map[K]V, parts func(K) []string) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int { return slices.Compare(parts(a), parts(b)) })
}

// metricsText is an answer in the text format of Prometheus.
type metricsText struct {
	b    []byte
	name string
	sees func(graph string) bool
}

// family begins the lines of a metric.
func (w *metricsText) family(name, kind, help string) {
	w.name = name
	w.b = fmt.Appendf(w.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

var labelText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// line writes a value with its labels: the graph, unless it is "", and pairs of names and
// values. It leaves out graphs that the principal does not see.
func (w *metricsText) line(suffix, graph string, v float64, labels ...string) {
	if graph != "" {
		if !w.sees(graph) {
			return
		}
		labels = append([]string{"graph", graph}, labels...)
	}
	w.b = append(append(w.b, w.name...), suffix...)
	for i := 0; i < len(labels); i += 2 {
		w.b = append(w.b, cmp.Or(map[int]string{0: "{"}[i], ",")...)
		w.b = append(append(append(w.b, labels[i]...), `="`...), labelText.Replace(labels[i+1])...)
		w.b = append(w.b, '"')
	}
	if len(labels) > 0 {
		w.b = append(w.b, '}')
	}
	w.b = append(append(append(w.b, ' '), number(v)...), '\n')
}

// histogram writes the lines of durations.
func (w *metricsText) histogram(graph string, h *buckets, labels ...string) {
	n := uint64(0)
	for i, count := range h.counts {
		n += count
		le := "+Inf"
		if i < len(bounds) {
			le = number(bounds[i])
		}
		w.line("_bucket", graph, float64(n), append(slices.Clone(labels), "le", le)...)
	}
	w.line("_sum", graph, h.sum, labels...)
	w.line("_count", graph, float64(n), labels...)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// ready says whether the engine does its work: the store takes commits, and the server is not
// about to end.
func (c *call) ready() (healthBody, error) {
	select {
	case <-closing(c.ctx):
		return healthBody{}, errorf(CodeShuttingDown, "the server is about to end")
	default:
	}
	if err := c.ill(); err != nil {
		return healthBody{}, errorf(CodeNotReady, "the store takes no commits")
	}
	return healthBody{true}, nil
}

// ill is why the store takes no commits; nil if it does.
func (c *call) ill() error {
	if engine, ok := c.engine.(Checkable); ok {
		return engine.Health()
	}
	return nil
}
