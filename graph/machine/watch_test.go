package machine

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// watched decides a history again and holds what a Watch hears against what was recorded. It returns how many decisions and reads of the state there were.
func watched(t rapid.TB, r *rig) (decisions, reads int) {
	t.Helper()
	o := oracle{t: t, r: r, settled: map[string]string{}, latches: map[int]bool{}}
	again := r.replayer()
	var told []Decision
	again.Watch.Decided = func(d Decision) { told = append(told, d) }
	if _, differences, err := again.To(journal.Point{}); err != nil || len(differences) > 0 {
		t.Fatal(err, differences)
	}
	for _, rec := range r.records {
		if _, ok := rec.Body.(*journal.NodeDecided); !ok {
			o.record(rec)
			continue
		}
		if len(told) == 0 {
			t.Fatalf("nothing is told of %s", r.recordText(rec))
		}
		o.decision(rec, told[0])
		o.record(rec)
		told = told[1:]
		decisions++
	}
	if len(told) > 0 {
		t.Fatalf("a decision is told that is in no record: %+v", told[0])
	}
	return decisions, o.looks
}

// oracle says from the records alone why the edges of a decision have their verdicts.
type oracle struct {
	t       rapid.TB
	r       *rig
	robin   bool
	settled map[string]string // how nodes have ended in the present cycle, or under `once` in the pass
	last    map[string]string // in the last cycle that was finished
	latches map[int]bool      // edges that were live since their node, with latch, ran
	away    map[string]bool   // nodes that wait since an earlier cycle
	open    map[string]bool   // under once: skipped, and what waits may change that

	by    map[string]journal.By // who last wrote each key, without As
	state string                // as text; "" if it is not known
	looks int                   // reads that were held against them
}

func (o *oracle) record(rec journal.Record) {
	switch b := rec.Body.(type) {
	case *journal.StackStarted:
		o.by = map[string]journal.By{}
		for k := range b.State {
			o.by[k] = journal.By{Initial: true}
		}
	case *journal.CycleStarted:
		o.state = o.r.states[journal.Point{Cycle: rec.Cycle, Start: true}]
		o.robin = b.Mode == roundRobin
		kept := map[string]string{}
		o.away = map[string]bool{}
		for name, s := range o.settled {
			if o.r.g.Once && s != "waiting" && !o.open[name] {
				kept[name] = s
			}
			o.away[name] = s == "waiting" && !b.Finally
		}
		if b.Finally {
			kept = map[string]string{}
		}
		o.settled, o.open = kept, map[string]bool{}
	case *journal.NodeDecided:
		if !b.Run {
			o.settled[b.Node] = "skipped"
			if o.away[b.Node] && len(b.Edges) == 0 && b.Reason == "waiting" {
				o.settled[b.Node] = "waiting"
			}
			o.open[b.Node] = b.Reason == "waiting"
		}
		if i := o.r.m.plan.index[b.Node]; o.r.g.Nodes[i].Latch && !o.r.g.Once {
			for _, v := range b.Edges {
				o.latches[v.Edge] = v.Live && !b.Run
			}
		}
	case *journal.WaveCommitted:
		for _, w := range b.Writers {
			by := journal.By{Node: w.Node + w.Answer, Event: w.Event, Cycle: rec.Cycle, Answer: w.Answer != ""}
			if w.Event == "" {
				by.Wave = b.Number()
			}
			o.by[w.Key] = by
		}
		if b.Wave > 0 {
			o.state = o.r.states[journal.Point{Cycle: rec.Cycle, Wave: b.Number()}]
		}
		for _, s := range b.Settled {
			o.settled[s.Node] = s.Status
			o.open[s.Node] = s.Status == "waiting"
			if b.Wave == 0 {
				delete(o.away, s.Node)
			}
		}
	case *journal.CycleFinished:
		o.last = maps.Clone(o.settled)
	case *journal.StackReopened:
		o.settled = map[string]string{}
	}
}

// decision holds what was told against a record.
func (o *oracle) decision(rec journal.Record, d Decision) {
	t, b := o.t, rec.Body.(*journal.NodeDecided)
	t.Helper()
	name := o.r.recordText(rec)
	line := rec
	line.Body = d.Taken
	if x, y := journal.AppendRecord(nil, rec, true), journal.AppendRecord(nil, line, true); !bytes.Equal(x, y) || d.Seq != rec.Seq || !d.At.Equal(rec.Time) || d.Cycle != rec.Cycle {
		t.Fatalf("recorded %s\ntold %s", x, y)
	}
	n := &o.r.g.Nodes[d.Node]
	of, live := 0, 0
	for k, x := range n.In {
		if o.robin {
			break
		}
		e, got := &o.r.g.Edges[x], d.Edges[k]
		if e.Counts() {
			of++
		}
		v := verdictOver(x, b)
		if v != nil && v.Live {
			live++
		}
		if (v != nil) && !got.Judged || v != nil && *v != got.Verdict {
			t.Errorf("%s: edge %d has the verdict %+v, told %+v", name, x, v, got.Verdict)
		}
		if got.Verdict.From != o.r.m.plan.verdict[x].From {
			t.Errorf("%s: edge %d is from %q", name, x, got.Verdict.From)
		}
		if want := o.why(e, b, v); want == unknown {
		} else if want == "" {
			mayBe := []Why{WhySourceSkipped, WhyFalse, WhySiblingLive}
			if !slices.Contains(mayBe, got.Why) {
				t.Errorf("%s: edge %d is %s, expected one of %v", name, x, got.Why, mayBe)
			}
		} else if want != got.Why {
			t.Errorf("%s: edge %d is %s, expected %s", name, x, got.Why, want)
		}
		o.condition(name, e, got)
	}
	if d.Join != (Join{n.Rule(), live, of}) {
		t.Errorf("%s: the join is told as %+v, %d of %d are live", name, d.Join, live, of)
	}
}

// condition holds the parts of a condition against the verdict that was taken with it.
func (o *oracle) condition(name string, e *graph.Edge, got EdgeDecision) {
	c, once := got.Condition, o.r.g.Once
	switch asked := got.Why == WhyLive || got.Why == WhyFalse || got.Why == WhyError; {
	case e.When == nil && c != nil, e.When != nil && asked && c == nil && !once && !e.Else:
		o.t.Errorf("%s: edge %d (%s) has the condition %v", name, e.Index, got.Why, c)
	case c == nil:
	case !got.Judged:
		o.t.Errorf("%s: edge %d has a condition and no verdict", name, e.Index)
	case o.r.m.plan.shared[e.Index]: // it may have been asked for in an earlier moment
	default:
		o.reads(name, &c.Part, c.By)
	}
	switch {
	case c == nil || !got.Judged:
	case got.Why == WhyLatched: // its condition is asked for beside an else edge alone
	case (c.Value == true) != got.Verdict.Live, (c.Err != nil) != (got.Verdict.Error != ""), !c.Evaluated:
		o.t.Errorf("%s: edge %d is explained by %v (%v)", name, e.Index, c.Value, c.Err)
	}
}

// reads holds what a condition read against the state and the writers of that moment.
func (o *oracle) reads(name string, p *cond.Part, by map[string]journal.By) {
	for _, r := range p.Reads {
		if r.Name != "state" || r.Field == "" {
			continue
		}
		got, known := by[r.Field]
		if got.As = ""; !known || got != o.by[r.Field] {
			o.t.Errorf("%s: %s was written by %+v, told %+v (%t)", name, r.Path, o.by[r.Field], got, known)
		}
		if r.Path != "state."+r.Field || !p.Evaluated || o.state == "" {
			continue
		}
		o.looks++
		if line := r.Field + " = " + value.String(r.Value) + "\n"; !strings.HasPrefix(o.state, line) && !strings.Contains(o.state, "\n"+line) {
			o.t.Errorf("%s: %s is told as %v, the state was\n%s", name, r.Path, r.Value, o.state)
		}
	}
	for i := range p.Parts {
		o.reads(name, &p.Parts[i], by)
	}
}

// unknown is what the oracle does not know.
const unknown Why = "unknown"

func (o *oracle) why(e *graph.Edge, b *journal.NodeDecided, v *journal.Verdict) Why {
	from := "start"
	if e.From != graph.Start {
		from = o.r.g.Nodes[e.From].ID
	}
	s := o.settled[from]
	if e.NextCycle {
		s = o.last[from]
	}
	switch {
	case o.away[b.Node] && !b.Run && len(b.Edges) == 0 && b.Reason == "waiting":
		return WhyNodeWaiting
	case e.After && e.When == nil:
		return WhyOrder
	case v == nil && b.Run:
		return WhyEarlierLive
	case v == nil:
		return WhyNotSettled
	case o.latches[e.Index]:
		return WhyLatched
	case v.Live:
		return WhyLive
	case v.Error != "":
		return WhyError
	case e.NextCycle && (o.r.g.Once || s == ""):
		return WhyNotLastCycle
	case o.r.g.Once && o.open[from] && e.From != graph.Start:
		return WhySourceWaiting
	case e.From == graph.Start || e.After || fits(e, s) && s != "skipped":
	case s == "skipped" && e.Outcome == graph.UnlessFailed && (e.Else || e.When != nil):
		return "" // the cause of the skip decides
	case o.r.g.Once && s == "": // it settled before the stack was reopened
		return unknown
	case s == "waiting":
		return WhySourceWaiting
	default:
		return Why("source-" + s)
	}
	if e.Else {
		return WhySiblingLive
	}
	return WhyFalse
}

// fits reports that a source settled as the edge asks.
func fits(e *graph.Edge, status string) bool {
	switch e.Outcome {
	case graph.Failure:
		return status == "failed"
	case graph.Always:
		return status == "failed" || status == "succeeded"
	case graph.UnlessFailed:
		return status == "succeeded" || status == "skipped"
	}
	return status == "succeeded"
}

func TestWatchTranscripts(t *testing.T) {
	t.Parallel()
	histories(t, func(t *testing.T, r *rig) { watched(t, r) })
}
