package dsl

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
)

// builder makes a Def from a checked document. It reports nothing: a broken value
// counts as absent.
type builder struct {
	broken     map[*tree.Node]bool
	unfinished bool // an edge may lack its ends
}

// get returns a field, nil if it is absent or broken.
func (b *builder) get(n *tree.Node, field string) *tree.Node {
	v := n.Get(field)
	if v == nil || b.broken[v] {
		return nil
	}
	return v
}

// sound returns the value of an entry, nil if it is broken.
func (b *builder) sound(n *tree.Node) *tree.Node {
	if b.broken[n] {
		return nil
	}
	return n
}

// text returns a scalar as it is written, also a number or a boolean.
func (b *builder) text(n *tree.Node, field string) diag.Text {
	if v := b.get(n, field); v != nil {
		return v.Text
	}
	return diag.Text{}
}

func (b *builder) integer(n *tree.Node, field string) int {
	if v := b.get(n, field); v != nil {
		return int(v.Int)
	}
	return 0
}

func (b *builder) number(n *tree.Node, field string) float64 {
	v := b.get(n, field)
	if v == nil {
		return 0
	}
	if v.Kind == tree.Int {
		return float64(v.Int)
	}
	return v.Float
}

func (b *builder) boolean(n *tree.Node, field string) bool {
	v := b.get(n, field)
	return v != nil && v.Bool
}

func (b *builder) duration(n *tree.Node, field string) time.Duration {
	d, _ := graph.ParseDuration(b.text(n, field).Value)
	return d
}

// texts returns a scalar, or a list of scalars, as a list.
func (b *builder) texts(n *tree.Node, field string) []diag.Text {
	v := b.get(n, field)
	switch {
	case v == nil:
		return nil
	case v.Kind != tree.List:
		return []diag.Text{v.Text}
	}
	var out []diag.Text
	for _, it := range v.Items {
		if !b.broken[it] {
			out = append(out, it.Text)
		}
	}
	return out
}

// entries returns the fields of a mapping, none if it is absent.
func (b *builder) entries(n *tree.Node, field string) []tree.Field {
	if v := b.get(n, field); v != nil {
		return v.Fields
	}
	return nil
}

func (b *builder) graph(n *tree.Node, file string) graph.Def {
	def := graph.Def{
		Version:     b.integer(n, "graphrun"),
		Name:        b.text(n, "name"),
		Description: b.text(n, "description").Value,
		File:        file,
		Secrets:     b.texts(n, "secrets"),
		Mode:        b.get(n, "mode"),
		Fleet:       b.text(n, "fleet"),

		Once: b.boolean(n, "once"), OnceAt: keyAt(n, "once"), Waves: b.text(n, "waves"),
		Finally: b.texts(n, "finally"), FinallyTimeout: b.duration(n, "finally_timeout"), FinallyAt: keyAt(n, "finally_timeout"),
	}
	for _, f := range b.entries(n, "params") {
		t, dflt := b.typed(f.Value)
		def.Params = append(def.Params, graph.ParamDef{Name: f.Key, Type: t, Default: dflt})
	}
	for _, f := range b.entries(n, "types") {
		if b.sound(f.Value) != nil {
			def.Types = append(def.Types, graph.TypeDef{Name: f.Key, Schema: f.Value})
		}
	}
	for _, f := range b.entries(n, "state") {
		def.State = append(def.State, b.key(f))
	}
	for _, f := range b.entries(n, "define") {
		if b.sound(f.Value) != nil {
			def.Define = append(def.Define, graph.DefineDef{Name: f.Key, Expr: f.Value.Text})
		}
	}
	for _, f := range b.entries(n, "events") {
		if e := b.sound(f.Value); e != nil {
			def.Events = append(def.Events, b.event(f.Key, e))
		}
	}
	for _, f := range b.entries(n, "webhooks") {
		if w := b.sound(f.Value); w != nil {
			def.Webhooks = append(def.Webhooks, graph.WebhookDef{Name: f.Key, Secret: b.text(w, "secret"), To: b.text(w, "to"),
				Event: b.text(w, "event"), Payload: b.text(w, "payload"), ID: b.text(w, "id")})
		}
	}
	if hooks := b.get(n, "hooks"); hooks != nil {
		for _, h := range hooks.Items {
			if h = b.sound(h); h != nil {
				def.Hooks = append(def.Hooks, graph.HookDef{URL: b.text(h, "url"), On: b.texts(h, "on"), Secret: b.text(h, "secret")})
			}
		}
	}
	for _, f := range b.entries(n, "pools") {
		def.Pools = append(def.Pools, b.pool(f))
	}
	defaults := b.get(n, "defaults")
	def.Defaults.Timeout = b.duration(defaults, "timeout")
	if r := b.retry(b.get(defaults, "retry")); r != nil {
		def.Defaults.Retry = *r
	}
	b.agents(n, &def)
	nodes := b.entries(n, "nodes")
	def.Nodes = make([]graph.NodeDef, 0, len(nodes))
	for _, f := range nodes {
		def.Nodes = append(def.Nodes, b.node(f))
	}
	if edges := b.get(n, "edges"); edges != nil {
		def.Edges = make([]graph.EdgeDef, 0, len(edges.Items))
		for _, e := range edges.Items {
			if d, ok := b.edge(b.sound(e)); ok {
				def.Edges = append(def.Edges, d)
			}
		}
	}
	b.ending(n, &def)
	return def
}

// typed splits an entry of params or state into its type and its default.
// A broken entry has the type any, so that its name is known.
func (b *builder) typed(n *tree.Node) (t, dflt *tree.Node) {
	switch {
	case b.broken[n]:
		return tree.Of("any"), nil
	case n.Kind != tree.Map:
		return n, nil
	}
	schema := &tree.Node{Kind: tree.Map, Span: n.Span}
	for _, f := range n.Fields {
		switch f.Key.Value {
		case "default":
			dflt = b.sound(f.Value)
		case "reduce", "keep":
		default:
			if !b.broken[f.Value] {
				schema.Fields = append(schema.Fields, f)
			}
		}
	}
	return schema, dflt
}

func (b *builder) key(f tree.Field) graph.KeyDef {
	k := graph.KeyDef{Name: f.Key}
	k.Type, k.Default = b.typed(f.Value)
	n := b.sound(f.Value)
	if n == nil || n.Kind != tree.Map {
		return k
	}
	if r := b.get(n, "reduce"); r != nil {
		if r.Kind == tree.String {
			k.Reduce.Name = r.Text
		} else {
			k.Reduce.Expr = b.text(r, "expr")
		}
	}
	if keep := b.get(n, "keep"); keep != nil {
		k.Keep, k.KeepAt = int(keep.Int), keep.Span
	}
	return k
}

func (b *builder) pool(f tree.Field) graph.PoolDef {
	n := b.sound(f.Value)
	p := graph.PoolDef{Name: f.Key, Parallel: 4}
	if b.get(n, "parallel") != nil {
		p.Parallel = b.integer(n, "parallel")
	}
	p.Rate, p.RatePer, _ = parseRate(b.text(n, "rate").Value)
	p.Shared = b.boolean(n, "shared")
	return p
}

func (b *builder) retry(n *tree.Node) *graph.RetryDef {
	if n == nil {
		return nil
	}
	r := &graph.RetryDef{Errors: b.texts(n, "errors"), When: b.text(n, "when")}
	if b.get(n, "attempts") != nil {
		r.Attempts = new(b.integer(n, "attempts"))
	}
	if b.get(n, "backoff") != nil {
		r.Backoff = new(b.duration(n, "backoff"))
	}
	if b.get(n, "factor") != nil {
		r.Factor = new(b.number(n, "factor"))
	}
	if b.get(n, "max_backoff") != nil {
		r.MaxBackoff = new(b.duration(n, "max_backoff"))
	}
	if b.get(n, "jitter") != nil {
		r.Jitter = new(b.boolean(n, "jitter"))
	}
	return r
}

func (b *builder) node(f tree.Field) graph.NodeDef {
	n := b.sound(f.Value)
	d := graph.NodeDef{
		ID: f.Key, At: f.Key.Span,
		Description: b.text(n, "description").Value,
		Uses:        b.text(n, "uses"),
		With:        b.get(n, "with"),
		Join:        graph.JoinDef{Text: b.text(n, "join")},
		Retry:       b.retry(b.get(n, "retry")),
		Timeout:     b.duration(n, "timeout"),
		Deadline:    b.duration(n, "deadline"),
		Priority:    b.get(n, "priority"),
		Pool:        b.text(n, "pool"),
		Background:  b.boolean(n, "background"),
		Latch:       b.boolean(n, "latch"), LatchAt: keyAt(n, "latch"),
		Lock:   b.get(n, "lock"),
		Cancel: b.boolean(n, "cancel"), CancelAt: keyAt(n, "cancel"),
	}
	if d.With != nil {
		d.WithAt = d.With.Head()
	} else if n != nil {
		d.WithAt = n.Head()
	}
	if w := b.get(n, "writes"); w != nil {
		d.Writes = b.writes(w)
	}
	if fe := b.get(n, "for_each"); fe != nil && b.get(fe, "in") != nil {
		d.ForEach = &graph.ForEachDef{In: b.text(fe, "in"), As: b.text(fe, "as"), Key: b.text(fe, "key"),
			Max: b.text(fe, "max"), OnFailure: b.text(fe, "on_failure"), Yield: b.text(fe, "yield"), Until: b.text(fe, "until")}
		if d.ForEach.As.Value == "" {
			d.ForEach.As = diag.Plain("item")
		}
	}
	if c := b.get(n, "cache"); c != nil && b.get(c, "key") != nil {
		d.Cache = &graph.CacheDef{Key: b.text(c, "key"), TTL: b.duration(c, "ttl")}
	}
	return d
}

func (b *builder) writes(n *tree.Node) []graph.WriteDef {
	var out []graph.WriteDef
	for _, it := range n.Items {
		if !b.broken[it] {
			out = append(out, graph.WriteDef{Key: it.Text, Expr: diag.Plain("output." + it.Text.Value), Short: true})
		}
	}
	for _, f := range n.Fields {
		if !b.broken[f.Value] {
			out = append(out, graph.WriteDef{Key: f.Key, Expr: f.Value.Text})
		}
	}
	return out
}

// edge returns false for an edge whose target or source is not known.
func (b *builder) edge(n *tree.Node) (graph.EdgeDef, bool) {
	to := b.texts(n, "to")
	if n == nil || len(to) == 0 && !b.unfinished {
		return graph.EdgeDef{}, false
	}
	for _, f := range []string{"from", "after"} {
		if v := n.Get(f); v != nil && len(b.texts(n, f)) == 0 && !b.unfinished {
			return graph.EdgeDef{}, false
		}
	}
	e := graph.EdgeDef{
		From: b.texts(n, "from"), After: b.texts(n, "after"), To: to,
		When: b.text(n, "when"), Else: b.boolean(n, "else"),
		Outcome: b.text(n, "outcome"), NextCycle: b.boolean(n, "next_cycle"), At: n.Span,
	}
	e.ElseAt, e.NextAt = keyAt(n, "else"), keyAt(n, "next_cycle")
	return e, true
}

// keyAt is where the name of a field stands.
func keyAt(n *tree.Node, field string) diag.Span {
	if n != nil {
		for _, f := range n.Fields {
			if f.Key.Value == field {
				return f.Key.Span
			}
		}
	}
	return diag.Span{}
}

func (b *builder) event(name diag.Text, n *tree.Node) graph.EventDef {
	return graph.EventDef{Name: name, To: b.text(n, "to"), Type: b.get(n, "type"), Queue: b.integer(n, "queue"), QueueAt: keyAt(n, "queue")}
}

// ending reads the fields about the time between cycles and the end of a stack.
func (b *builder) ending(n *tree.Node, def *graph.Def) {
	if p := b.get(n, "pause"); p != nil {
		def.Pause = b.pause(p)
	}
	if s := b.get(n, "schedule"); s != nil {
		if s.Kind == tree.String {
			def.Schedule.Cron = s.Text
		} else {
			def.Schedule = graph.ScheduleDef{Cron: b.text(s, "cron"), Timezone: b.text(s, "timezone"), CatchUp: b.text(s, "catch_up")}
			if b.get(s, "at_start") != nil {
				def.Schedule.AtStart = new(b.boolean(s, "at_start"))
			}
		}
	}
	if tz := b.text(n, "timezone"); def.Schedule.Timezone.Value == "" {
		def.Schedule.Timezone = tz
	} else {
		def.Timezone = tz
	}
	if s := b.get(n, "stop"); s != nil {
		stops := []*tree.Node{s}
		if s.Kind == tree.List {
			stops = s.Items
		}
		for _, it := range stops {
			if d := b.stop(b.sound(it)); d.When.Value != "" {
				def.Stop = append(def.Stop, d)
			}
		}
	}
	l := b.get(n, "limits")
	def.Limits = graph.LimitsDef{
		Cycles: b.integer(l, "cycles"), Duration: b.duration(l, "duration"), NodeRuns: b.integer(l, "node_runs"),
		Tokens: b.integer(l, "tokens"), Cost: b.number(l, "cost"),
	}
	if b.get(l, "failures") != nil {
		def.Limits.Failures = new(b.integer(l, "failures"))
	}
	if b.get(l, "failed_pause") != nil {
		def.Limits.FailedPause = new(b.duration(l, "failed_pause"))
	}
	h := b.get(n, "history")
	def.History = graph.HistoryDef{Cycles: b.integer(h, "cycles"), Age: b.duration(h, "age")}
}

func (b *builder) pause(n *tree.Node) graph.PauseDef {
	p := graph.PauseDef{At: n.Head()}
	switch {
	case n.Kind == tree.Map:
		p.Set, p.Active = b.get(n, "active") != nil, b.duration(n, "active")
		p.Idle, p.Factor = b.duration(n, "idle"), b.number(n, "factor")
		return p
	case n.Text.Value == "none":
		p.None = true
		return p
	}
	if d, err := graph.ParseDuration(n.Text.Value); err == nil {
		p.Set, p.Active = true, d
	} else {
		p.Template = n
	}
	return p
}

func (b *builder) stop(n *tree.Node) graph.StopDef {
	if n == nil || n.Kind != tree.Map {
		if n == nil {
			return graph.StopDef{}
		}
		return graph.StopDef{When: n.Text}
	}
	return graph.StopDef{When: b.text(n, "when"), Status: b.text(n, "status"), Reason: b.text(n, "reason").Value}
}
