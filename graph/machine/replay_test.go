package machine

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// histories plays every transcript, with crashes in some.
func histories(t *testing.T, each func(t *testing.T, r *rig)) {
	for k, file := range transcripts(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, file)
			r := play(t, s, 0)
			if s.matrix {
				r = play(t, s, 1+k%r.advances)
			}
			each(t, r)
		})
	}
}

// A replay can stop before any record, and stands there as the machine stood.
func TestReplayStopsBeforeAnyRecord(t *testing.T) {
	t.Parallel()
	histories(t, func(t *testing.T, r *rig) {
		for _, rec := range r.records[1:] {
			m, err := r.replayer().Before(rec.Seq)
			if err != nil {
				t.Errorf("%s: %v", r.recordText(rec), err)
				continue
			}
			for at := m.Cursor().Seq; at < rec.Seq-1; at++ {
				b := r.records[at].Body
				taken := rec.Body.Type() == "wave.committed" || rec.Body.Type() == "task.finished" // with the beginning of a cycle
				if b.Type() != "node.decided" && !(taken && (b.Type() == "cycle.started" || b.Type() == "task.finished")) {
					t.Errorf("before %s: it stands before record %d, %s", r.recordText(rec), at+1, b.Type())
				}
			}
		}
		if _, err := r.replayer().Before(uint64(len(r.records) + 1)); !errors.Is(err, ErrNoRecord) {
			t.Errorf("before a record that does not exist: %v", err)
		}
	})
}

// A history that is cut off is decided again from where it begins.
func TestReplayFromABase(t *testing.T) {
	t.Parallel()
	histories(t, func(t *testing.T, r *rig) {
		if len(r.bases) == 0 {
			t.Fatal("no place to begin from")
		}
		for _, base := range r.bases {
			again := r.replayer()
			again.Base, again.Records = base, stream(r.records[base.Cursor.Seq:])
			m, differences, err := again.To(journal.Point{})
			if err != nil || len(differences) > 0 {
				t.Fatalf("from record %d: %v %v", base.Cursor.Seq, err, differences)
			}
			if d := cmp.Diff(r.stateText(), stateOf(m)); d != "" {
				t.Errorf("from record %d (-recorded +replayed)\n%s", base.Cursor.Seq, d)
			}
		}
	})
}

// Records are read as far as they are needed, and an error of reading ends it.
func TestReplayReadsNoFurther(t *testing.T) {
	t.Parallel()
	r := play(t, readScript(t, "testdata/chain.txt"), 0)
	broken := errors.New("damaged")
	const most = 12
	again := r.replayer()
	again.Records = func(yield func(journal.Record, error) bool) {
		for _, rec := range r.records[:most] {
			if !yield(rec, nil) {
				return
			}
		}
		yield(journal.Record{}, broken)
	}
	if m, err := again.Before(8); err != nil || m.Cursor().Seq >= 8 {
		t.Errorf("before record 8: %v", err)
	}
	if _, _, err := again.To(journal.Point{}); !errors.Is(err, broken) {
		t.Errorf("over the damaged record: %v", err)
	}
}

// explained decides every recorded decision again, and holds its conditions,
// taken apart, against the verdicts.
func explained(t testing.TB, graphs Graphs, r *rig) (decisions, parts int) {
	for _, rec := range r.records {
		want, ok := rec.Body.(*journal.NodeDecided)
		if !ok {
			continue
		}
		decisions++
		again := r.replayer()
		again.Graphs = graphs
		m, err := again.Before(rec.Seq)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Explain(want.Node)
		if err != nil {
			t.Fatalf("%s: %v", r.recordText(rec), err)
		}
		line := rec
		line.Body = got.Decision
		if a, b := journal.AppendRecord(nil, rec, true), journal.AppendRecord(nil, line, true); !bytes.Equal(a, b) {
			t.Fatalf("recorded %s\nexplained %s", a, b)
		}
		for _, e := range got.Edges {
			if e.Part == nil {
				continue
			}
			parts++
			if (e.Part.Value == true) != e.Live || (e.Part.Err != nil) != (e.Error != "") || !e.Matched {
				t.Errorf("%s: edge %d is explained by %v (%v)", r.recordText(rec), e.Edge, e.Part.Value, e.Part.Err)
			}
		}
	}
	return decisions, parts
}

func TestExplainTranscripts(t *testing.T) {
	t.Parallel()
	histories(t, func(t *testing.T, r *rig) { explained(t, r.graphs, r) })
}

func TestExplainRandomGraphs(t *testing.T) {
	t.Parallel()
	decisions, parts := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := draw(rt)
		g, ok := tryCompile(p.yaml())
		if !ok {
			rt.Skip()
		}
		r := newRig(t, g)
		if err := r.start(nil, nil); err != nil {
			rt.Fatal(err)
		}
		for range 3 {
			r.wake("early")
			r.drain()
			for len(r.tasks) > 0 {
				for _, name := range g.NodeIDs() {
					if r.tasks[name] == nil {
						continue
					}
					if rapid.Bool().Draw(rt, name) {
						r.done(name, rapid.Bool().Draw(rt, "value"))
					} else {
						r.fail(name, journal.Failure{Kind: "schema", Message: "m"})
					}
					r.drain()
				}
			}
		}
		d, n := explained(t, func(string) (*graph.Graph, error) { return g, nil }, r)
		decisions, parts = decisions+d, parts+n
	})
	t.Logf("%d decisions, %d conditions taken apart", decisions, parts)
	if !testing.Short() && parts < 100 {
		t.Error("too few for the test to mean anything")
	}
}

// Verdicts that were taken ahead are recorded in the order of their edges. Earlier versions
// had them in the order in which they were taken, and a replay takes that too.
func TestReplayOfEarlyVerdicts(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: early
state: {ok: boolean}
nodes:
  a: {uses: work}
  b: {uses: work}
  slow: {uses: work}
  one: {uses: work, join: first}
  two: {uses: work, join: first}
edges:
  - {to: [a, b]}
  - {from: a, to: slow}
  - {from: b, to: two, when: state.ok}
  - {from: a, to: one, when: state.ok}
  - {from: slow, to: [one, two]}
`))
	for _, line := range []string{"start", "wake", "done a", "done b", "done slow"} {
		do(r, line)
	}
	for k := range r.records {
		b, ok := r.records[k].Body.(*journal.WaveStarted)
		if !ok || b.Wave != 2 {
			continue
		}
		if len(b.Early) != 2 || b.Early[0].Edge > b.Early[1].Edge {
			t.Fatalf("early verdicts are %v", b.Early)
		}
		old := *b
		old.Early = []journal.Verdict{b.Early[1], b.Early[0]}
		r.records[k].Body = &old
	}
	if _, differences, err := r.replayer().To(journal.Point{}); err != nil || len(differences) > 0 {
		t.Error(err, differences)
	}
}
