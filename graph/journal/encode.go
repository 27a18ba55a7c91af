package journal

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// AppendRecord writes a record as one JSON object without a line end: the keys
// of SPEC section 4 and, with journal, those that only the store keeps. The
// output of a record is always the same bytes.
func AppendRecord(b []byte, r Record, journal bool) []byte {
	w := writer{b: b, journal: journal}
	w.b = append(w.b, `{"seq":`...)
	w.b = strconv.AppendUint(w.b, r.Seq, 10)
	w.time("time", r.Time)
	w.text("type", r.Body.Type())
	w.text("stack", r.Stack)
	w.uint("cycle", r.Cycle)
	w.body(r.Body)
	return append(w.b, '}')
}

// writer appends the members of an object that is already open.
type writer struct {
	b       []byte
	journal bool
}

func (w *writer) body(b Body) {
	switch b := b.(type) {
	case *StackStarted:
		w.text("graph", b.Graph)
		w.text("hash", b.Hash)
		if w.journal {
			w.value("params", b.Params)
			w.value("state", b.State)
		}
	case *EventReceived:
		w.text("event", b.Event)
		if w.journal {
			w.some("id", b.ID)
			w.value("payload", b.Payload)
		}
	case *CycleStarted:
		if w.journal {
			w.some("hash", b.Hash)
			w.some("mode", b.Mode)
		}
		w.someTexts("faults", b.Faults)
	case *NodeDecided:
		w.decided(b)
	case *WaveStarted:
		w.uint("wave", b.Wave)
		w.texts("nodes", b.Nodes)
		if w.journal && len(b.Early) > 0 {
			w.verdicts("early", b.Early)
		}
	case *TaskStarted:
		w.task(b.Wave, b.Began, b.Node, b.Item, b.Attempt)
		if w.journal && b.Crashes > 0 {
			w.int("crashes", b.Crashes)
		}
	case *TaskFinished:
		w.finished(b)
	case *WaveCommitted:
		w.committed(b)
	case *CycleFinished:
		w.int("waves", b.Waves)
		w.int("node_runs", b.NodeRuns)
		w.bool("failed", b.Failed)
		w.bool("active", b.Active)
		w.duration("pause_ms", b.Pause)
		w.someTexts("faults", b.Faults)
		if w.journal {
			w.int("pause_ns", int(b.Pause))
			w.flag("none", b.None)
		}
	case *StackFinished:
		w.text("status", string(b.Status))
		w.text("reason", b.Reason)
	}
}

func (w *writer) decided(b *NodeDecided) {
	w.uint("wave", b.Wave)
	w.text("node", b.Node)
	w.bool("run", b.Run)
	w.text("reason", b.Reason)
	w.verdicts("edges", b.Edges)
}

func (w *writer) task(wave, began uint64, node, item string, attempt int) {
	w.uint("wave", wave)
	if began > 0 {
		w.uint("began", began)
	}
	w.text("node", node)
	w.some("item", item)
	w.int("attempt", attempt)
}

func (w *writer) finished(b *TaskFinished) {
	w.task(b.Wave, b.Began, b.Node, b.Item, b.Attempt)
	w.text("status", b.Status)
	w.duration("duration_ms", b.Duration)
	w.failure(b.Error)
	w.flag("cached", b.Cached)
	if !w.journal {
		return
	}
	w.int("duration_ns", int(b.Duration))
	if b.Output != nil {
		w.value("output", b.Output)
	}
	if b.Tokens != 0 {
		w.int("tokens", int(b.Tokens))
	}
	if b.Cost != 0 {
		w.value("cost", b.Cost)
	}
	if !b.RetryAt.IsZero() {
		w.time("retry_at", b.RetryAt)
	}
	w.some("cache_key", b.CacheKey)
}

func (w *writer) committed(b *WaveCommitted) {
	w.uint("wave", b.Wave)
	w.texts("changed", b.Changed)
	if !w.journal {
		w.failedAtCommit(b.Settled)
		return
	}
	w.key("settled")
	w.b = append(w.b, '[')
	for i := range b.Settled {
		s := &b.Settled[i]
		w.open(i)
		w.text("node", s.Node)
		w.text("status", s.Status)
		w.int("attempts", s.Attempts)
		w.failure(s.Error)
		if len(s.Elements) > 0 {
			w.texts("elements", s.Elements)
		}
		w.flag("at_commit", s.AtCommit)
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

// failedAtCommit writes the nodes of whose failure no task tells, where there
// are any.
func (w *writer) failedAtCommit(settled []Settled) {
	n := 0
	for i := range settled {
		s := &settled[i]
		if !s.AtCommit {
			continue
		}
		if n == 0 {
			w.key("failed")
			w.b = append(w.b, '[')
		}
		w.open(n)
		w.text("node", s.Node)
		w.failure(s.Error)
		w.b = append(w.b, '}')
		n++
	}
	if n > 0 {
		w.b = append(w.b, ']')
	}
}

// verdicts writes edges. All have from, outcome, when and live; outcome is ""
// on edges from the start and on `after` edges, when is "" without a condition.
// The form of an edge is told only where it is not a plain one.
func (w *writer) verdicts(key string, all []Verdict) {
	w.key(key)
	w.b = append(w.b, '[')
	for i := range all {
		v := &all[i]
		w.open(i)
		w.text("from", v.From)
		w.text("outcome", v.Outcome)
		w.text("when", v.When)
		w.bool("live", v.Live)
		w.some("error", v.Error)
		w.flag("after", v.After)
		w.flag("else", v.Else)
		w.flag("next_cycle", v.NextCycle)
		if w.journal {
			w.int("edge", v.Edge)
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

func (w *writer) failure(f *Failure) {
	if f == nil {
		return
	}
	w.key("error")
	w.b = append(w.b, '{')
	w.text("kind", f.Kind)
	w.text("message", f.Message)
	if w.journal {
		w.flag("permanent", f.Permanent)
	}
	w.b = append(w.b, '}')
}

// open begins element i of a list of objects.
func (w *writer) open(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '{')
}

// key writes a member's name, after a comma unless it is the first.
func (w *writer) key(k string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) text(k, s string) {
	w.key(k)
	w.b = appendText(w.b, s)
}

// some writes a text unless it is empty.
func (w *writer) some(k, s string) {
	if s != "" {
		w.text(k, s)
	}
}

func (w *writer) texts(k string, all []string) {
	w.key(k)
	w.b = append(w.b, '[')
	for i, s := range all {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendText(w.b, s)
	}
	w.b = append(w.b, ']')
}

// someTexts writes a list unless it is empty.
func (w *writer) someTexts(k string, all []string) {
	if len(all) > 0 {
		w.texts(k, all)
	}
}

func (w *writer) int(k string, n int) {
	w.key(k)
	w.b = strconv.AppendInt(w.b, int64(n), 10)
}

func (w *writer) uint(k string, n uint64) {
	w.key(k)
	w.b = strconv.AppendUint(w.b, n, 10)
}

func (w *writer) bool(k string, v bool) {
	w.key(k)
	w.b = strconv.AppendBool(w.b, v)
}

// flag writes true, or nothing.
func (w *writer) flag(k string, v bool) {
	if v {
		w.bool(k, true)
	}
}

// duration writes whole milliseconds, rounded down.
func (w *writer) duration(k string, d time.Duration) { w.int(k, int(d.Milliseconds())) }

func (w *writer) time(k string, t time.Time) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = t.UTC().AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

func (w *writer) value(k string, v any) {
	w.key(k)
	if m, ok := v.(map[string]any); ok && m == nil {
		v = map[string]any{}
	}
	w.b = value.Append(w.b, v)
}

// appendText writes a JSON string; names, which are most of them, need no
// escapes.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return value.Append(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
