package machine

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

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
