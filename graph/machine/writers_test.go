package machine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

const writersGraph = `
graphrun: 1
name: writers
state:
  sum: {type: integer, reduce: sum}
  list: {type: list(integer), reduce: append}
  same: {type: integer, reduce: last, default: 7}
  ok: boolean?
events: {more: {to: sum}, other: {to: sum}}
nodes:
  a: {uses: work, writes: {sum: output, list: "[]"}}
  b: {uses: work, writes: {sum: output, same: "7"}}
  c: {uses: work, writes: {sum: output, list: "[output]"}}
  ask: {uses: approval, timeout: 1h, with: {prompt: Well?, default: true}, writes: {ok: output.approved}}
  late: {uses: work, background: true, writes: {list: "[output]"}}
edges:
  - {to: a}
  - {to: b}
  - {to: c}
  - {to: ask, when: state.ok == nil}
  - {to: late, when: cycle.number == 1}
pause: none
`

// writersOf are the writers of the last commit of a wave.
func writersOf(t *testing.T, r *rig, cycle, wave uint64) string {
	t.Helper()
	for _, rec := range slices.Backward(r.records) {
		if b, ok := rec.Body.(*journal.WaveCommitted); ok && rec.Cycle == cycle && b.Wave == wave {
			var all []string
			for _, w := range b.Writers {
				all = append(all, strings.Trim(fmt.Sprint(w), "{} "))
			}
			return strings.Join(all, "; ")
		}
	}
	t.Fatalf("no commit %d.%d", cycle, wave)
	return ""
}

// checkWriters: each key that a commit changed has writers and no other key has, and a node
// that writes has succeeded in that commit.
func (r *rig) checkWriters(b *journal.WaveCommitted) {
	var keys []string
	for _, w := range b.Writers {
		keys = append(keys, w.Key)
		node := w.Node + w.Answer
		if w.Event == "" && !slices.ContainsFunc(b.Settled, func(s journal.Settled) bool { return s.Node == node && s.Status == "succeeded" }) {
			r.t.Errorf("%s is written by %q, and these have settled: %v", w.Key, node, b.Settled)
		}
	}
	if !slices.Equal(slices.Compact(keys), b.Changed) {
		r.t.Errorf("%v has changed, written is %v", b.Changed, b.Writers)
	}
}

// saysWriters holds the last writers of the machine, a key a line, against what is expected.
func saysWriters(t *testing.T, m *Machine, want string) {
	t.Helper()
	var got []string
	for _, k := range m.g.Keys {
		text := "unknown"
		if by, known := m.WriterOf(k.Name); known {
			b, err := json.Marshal(by)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
			var again journal.By
			if err := json.Unmarshal(b, &again); err != nil || again != by {
				t.Errorf("%s is read as %+v (%v), want %+v", b, again, err, by)
			}
		}
		got = append(got, k.Name+" "+text)
	}
	if d := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A write counts that changed its key as the writes before it had left it.
// The last writer is known, whatever crashes and wherever the history begins.
func TestWriters(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, writersGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	saysWriters(t, r.m, `
sum {"initial":true}
list {"initial":true}
same {"initial":true}
ok {"initial":true}`)
	do(r, "wake")
	do(r, "done a 0")
	do(r, "done b 2")
	do(r, "done c 3")
	if got, want := writersOf(t, r, 1, 1), "sum b; sum c; list c"; strings.Join(strings.Fields(got), " ") != want {
		t.Errorf("wave 1: %s, want %s", got, want)
	}
	saysWriters(t, r.m, `
sum {"node":"c","cycle":1,"wave":1}
list {"node":"c","cycle":1,"wave":1}
same {"initial":true}
ok {"initial":true}`)
	do(r, "done late 9")
	for _, e := range []Event{{Name: "other", Payload: 5}, {Name: "more", Payload: 0}, {Name: "more", Payload: 1}, {Name: "more", Payload: 2}} {
		e.At = r.clock
		r.step(e)
		r.drain()
	}
	r.step(Answer{At: r.clock, Node: "ask", Output: map[string]any{"approved": true, "by": "ann"}})
	r.drain()
	do(r, "crash")
	do(r, "wake")
	want := []journal.Writer{{Key: "sum", Event: "other"}, {Key: "sum", Event: "more"}, {Key: "list", Node: "late"}, {Key: "ok", Answer: "ask"}}
	var got []journal.Writer
	for _, rec := range r.records {
		if b, ok := rec.Body.(*journal.WaveCommitted); ok && rec.Cycle == 2 {
			got = b.Writers
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("wave 0 (-want +got)\n%s", d)
	}
	said := `
sum {"event":"more","cycle":2}
list {"node":"late","cycle":2,"wave":0}
same {"initial":true}
ok {"node":"ask","cycle":2,"wave":0,"answer":true,"as":"ann"}`
	saysWriters(t, r.m, said)
	do(r, "crash")
	saysWriters(t, r.m, said)
	last := r.bases[len(r.bases)-1]
	m, differences, err := Replayer{Graphs: r.graphs, Options: r.o, Base: last, Records: stream(r.records[last.Cursor.Seq:])}.To(journal.Point{})
	if err != nil || len(differences) > 0 {
		t.Fatal(err, differences)
	}
	saysWriters(t, m, said)
	checkReplay(t, r)
}

// The default of an approval is nobody's answer.
func TestDefaultIsNoAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, writersGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	for _, name := range []string{"a", "b", "c", "late"} {
		do(r, "fail "+name+" error no")
	}
	do(r, "wake +1h")
	saysWriters(t, r.m, `
sum {"initial":true}
list {"initial":true}
same {"initial":true}
ok {"node":"ask","cycle":2,"wave":0}`)
	checkReplay(t, r)
}

// A value in between that the key could not have counts as a change, and so does the write
// that mends it.
func TestWritersOverAnUnfitValue(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: g
state: {n: {type: integer, minimum: 0, reduce: sum}}
nodes:
  down: {uses: work, writes: {n: output}}
  none: {uses: work, writes: {n: output}}
  up: {uses: work, writes: {n: output}}
edges: [{to: down}, {to: none}, {to: up}]
pause: none
`))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "done down -2")
	do(r, "done none 0")
	do(r, "done up 3")
	if got := strings.Join(strings.Fields(writersOf(t, r, 1, 1)), " "); got != "n down; n none; n up" {
		t.Error(got)
	}
	saysWriters(t, r.m, `n {"node":"up","cycle":1,"wave":1}`)
	checkReplay(t, r)
}

// A key that a changed graph has no more is forgotten; one that it adds has its initial
// value. Nobody knows who wrote the keys of a stack of 0.1.0, until they change.
func TestWritersOfOtherVersions(t *testing.T) {
	t.Parallel()
	text := func(keys ...string) *graph.Graph {
		var b strings.Builder
		b.WriteString("graphrun: 1\nname: g\nstate:\n")
		for _, k := range keys {
			fmt.Fprintf(&b, "  %s: {type: integer, reduce: sum}\n", k)
		}
		fmt.Fprintf(&b, "nodes:\n  a: {uses: work, writes: {%s: output}}\nedges: [{to: a}]\npause: none\n", keys[0])
		return compile(t, b.String())
	}
	r := newRig(t, text("x", "y", "z"))
	r.unchecked = true // the store keeps the values of keys that are gone
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	cycle := func() {
		do(r, "wake early")
		do(r, "done a 1")
	}
	adopt := func(g *graph.Graph) {
		if err := r.m.Adopt(g, r.clock); err != nil {
			t.Fatal(err)
		}
		r.g = g
		r.drain()
		do(r, "crash")
	}
	cycle()
	adopt(text("y", "z"))
	saysWriters(t, r.m, "y {\"initial\":true}\nz {\"initial\":true}")
	cycle()
	adopt(text("z", "x", "y"))
	saysWriters(t, r.m, "z {\"initial\":true}\nx {\"initial\":true}\ny {\"node\":\"a\",\"cycle\":2,\"wave\":1}")

	delete(r.state, writersName) // as 0.1.0 has left it
	r.given = nil
	do(r, "crash")
	saysWriters(t, r.m, "z unknown\nx unknown\ny unknown")
	if by, known := r.m.WriterOf("no such key"); known {
		t.Error(by)
	}
	adopt(text("z", "x", "new"))
	saysWriters(t, r.m, "z unknown\nx unknown\nnew {\"initial\":true}")
	delete(r.state, writersName)
	r.given = nil
	do(r, "crash")
	cycle()
	do(r, "crash")
	saysWriters(t, r.m, "z {\"node\":\"a\",\"cycle\":3,\"wave\":1}\nx unknown\nnew unknown")
	stored := r.snapshot()
	in := WritersIn(stored.State)
	if by, known := in.Of("z"); !known || by.Cycle != 3 {
		t.Errorf("z in the stored state: %+v %t", by, known)
	}
	if _, known := in.Of("x"); known {
		t.Error("x in the stored state is known")
	}
}

// A history whose records name no writers is what 0.1.0 wrote; one that names others is
// another history.
func TestReplayOfWriters(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, writersGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	for _, name := range []string{"a", "b", "c"} {
		do(r, "done "+name+" 1")
	}
	for _, other := range []struct {
		writers []journal.Writer
		differs bool
	}{{nil, false}, {[]journal.Writer{{Key: "sum", Node: "a"}}, true}} {
		records := slices.Clone(r.records)
		for i := range records {
			if b, ok := records[i].Body.(*journal.WaveCommitted); ok {
				c := *b
				c.Writers, records[i].Body = other.writers, &c
			}
		}
		_, differences, err := Replayer{Graphs: r.graphs, Options: r.o, Base: journal.Snapshot{Identity: r.id}, Records: stream(records)}.To(journal.Point{})
		if err != nil || (len(differences) > 0) != other.differs {
			t.Errorf("%v: %v %v", other.writers, differences, err)
		}
	}
}

// What a commit writes for its writers does not grow with the keys that did not change.
func TestWritersOfManyKeys(t *testing.T) {
	t.Parallel()
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: many\nstate:\n")
	for i := range 3 * fewWriters {
		fmt.Fprintf(&s, "  k%d: {type: integer, reduce: sum}\n", i)
	}
	s.WriteString("nodes:\n")
	for i := range 3 * fewWriters {
		fmt.Fprintf(&s, "  n%d: {uses: set, with: {x: 1}, writes: {k%d: output.x}}\n", i, i)
	}
	s.WriteString("edges:\n")
	for i := range 3 * fewWriters {
		fmt.Fprintf(&s, "  - {to: n%d, when: cycle.number %% %d == %d}\n", i, 3*fewWriters, i)
	}
	s.WriteString("pause: none\nlimits: {cycles: 100000}\n")
	r := newRig(t, compile(t, s.String()))
	r.unchecked = true
	least, most := 1<<20, 0
	r.committed = func(ready Ready) {
		for _, c := range ready.Changes {
			if c.Name == writersName && r.m.cur.Cycle > 4*fewWriters {
				size := len(c.Put)
				if c.Whole {
					size = len(r.m.writers.list)
				}
				least, most = min(least, size), max(most, size)
			}
		}
	}
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	for range 5 * fewWriters {
		do(r, "wake early")
	}
	if least != 1 || most != 1 {
		t.Errorf("a commit of one key stores %d to %d elements", least, most)
	}
	if by, known := r.m.WriterOf("k1"); !known || by.Node != "n1" || by.Cycle != 3*fewWriters+1 {
		t.Errorf("k1: %+v", by)
	}
}

// On random graphs, the writers are those that a plain fold of the recorded outputs gives.
func TestWritersAgainstAFold(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		p := drawWriting(rt)
		one := &writingTrial{T: rt, p: p, r: newRig(t, compile(t, p.yaml()))}
		one.r.unchecked = !randomgraph.Chance(rt, "checked", 4)
		if n := rapid.IntRange(0, 30).Draw(rt, "crash"); n > 0 {
			one.r.crashAt = n
		}
		if err := one.r.start(nil, nil); err != nil {
			rt.Fatal(err)
		}
		for range 4 {
			one.cycle()
			one.check(seen)
		}
		m, differences, err := one.r.replayer().To(journal.Point{})
		if err != nil || len(differences) > 0 {
			rt.Fatalf("%s\nreplay: %v %v", p.yaml(), err, differences)
		}
		if d := cmp.Diff(one.r.writersText(), value.String(m.writers.list)); d != "" {
			rt.Fatalf("%s\n(-stored +replayed)\n%s", p.yaml(), d)
		}
	})
	t.Logf("compared: %v", seen)
	for _, what := range []string{"several", "left out", "event", "answer", "default", "named", "background", "each", "initial"} {
		if seen[what] == 0 && seen["commits"] > 2000 {
			t.Errorf("%s: the test does not meet it", what)
		}
	}
}
