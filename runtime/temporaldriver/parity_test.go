package temporaldriver

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/temporaldriver/paritytest"
)

// parity holds the embedded engine on both stores, and workflows, against each other.
func parity(t *testing.T, c *paritytest.Case) (want *paritytest.Outcome) {
	t.Helper()
	want = paritytest.Memstore(t, c)
	for _, d := range drivers {
		if diff := paritytest.Diff(want, d.run(t, c)); diff != "" && !(c.Queues && d.name == replayed) { // there each decision was compared
			t.Errorf("%s: %s (-memstore +this)\n%s\n%s", c.Name, d.name, diff, c)
			break
		}
	}
	return want
}

// drivers are those that are held against the embedded engine on a memstore.
var drivers = []struct {
	name string
	run  func(*testing.T, *paritytest.Case) *paritytest.Outcome
}{{"boltstore", paritytest.Boltstore}, {"workflow", inTestEnvironment}, {replayed, replayedInTestEnvironment}}

const replayed = "workflow that is replayed"

// randomCases is how many random cases there are. The first of them are enough where everything
// is ten times as slow.
const (
	randomCases = 500
	fewCases    = 60
)

var parityFrom = flag.Int("parity-from", 0, "the first random case of TestParityRandom")

// TestParityRandom: random graphs, results and moments from outside.
func TestParityRandom(t *testing.T) {
	t.Parallel()
	n := randomCases
	if raceDetector || testing.Short() {
		n = fewCases
	}
	var stacks, records atomic.Int64
	t.Run("cases", func(t *testing.T) {
		for seed := *parityFrom; seed < *parityFrom+n; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				for _, l := range parity(t, paritytest.Random(seed)).Lives { // in any order: sums
					stacks.Add(1)
					records.Add(int64(len(l.Records)))
				}
			})
		}
	})
	t.Logf("%d cases with %d stacks and %d records", n, stacks.Load(), records.Load())
	if int(stacks.Load()) < n*11/10 || int(records.Load()) < 50*n {
		t.Error("too few for the test to mean anything")
	}
}

// items is a case with events, elements, retries, a secret and pauses.
func items(t *testing.T) *paritytest.Case {
	k := testKinds(t)
	c := &paritytest.Case{
		Name: "items", Text: itemsGraph, Kinds: k, Secret: func(string) (string, bool) { return secretValue, true },
		Stacks: []paritytest.Start{{ID: "items", Graph: compileText(t, itemsGraph, k)}},
		Until:  time.Hour + 1,
		Work: func(a paritytest.Attempt) (paritytest.Reply, bool) {
			switch {
			case a.Node == "shout":
				return paritytest.Reply{Takes: 2 * time.Second, Result: nodes.Result{Output: map[string]any{"Loud": a.Item}}}, true
			case a.Try < 3:
				return paritytest.Reply{Takes: time.Second, Fails: nodes.Errorf("http", "503")}, true
			}
			return paritytest.Reply{Takes: time.Second, Result: nodes.Result{Output: 1}}, true
		},
	}
	for i, x := range []string{"a", "b", "c", "d", "e"} {
		c.Does = append(c.Does, paritytest.Moment{At: time.Duration(i+1)*30*time.Second + 7, Stack: "items", Does: paritytest.Send, ID: x, Event: "item", Payload: []any{x}})
	}
	return c
}

func TestParity(t *testing.T) {
	t.Parallel()
	parity(t, items(t))
}

// TestParityFinds: what is different is found.
func TestParityFinds(t *testing.T) {
	t.Parallel()
	c := items(t)
	want := paritytest.Memstore(t, c)
	record := func(l *paritytest.Life, kind string) *journal.Record {
		i := slices.IndexFunc(l.Records, func(r journal.Record) bool { return r.Body.Type() == kind })
		return &l.Records[i]
	}
	for name, plant := range map[string]func(o *paritytest.Outcome, l *paritytest.Life){
		"nothing":  func(*paritytest.Outcome, *paritytest.Life) {},
		"a reply":  func(o *paritytest.Outcome, _ *paritytest.Life) { o.Said[1] = "no" },
		"a record": func(_ *paritytest.Outcome, l *paritytest.Life) { l.Records = l.Records[:len(l.Records)-1] },
		"a number": func(_ *paritytest.Outcome, l *paritytest.Life) { record(l, "wave.committed").Seq++ },
		"a time": func(_ *paritytest.Outcome, l *paritytest.Life) {
			r := record(l, "cycle.finished")
			r.Time = r.Time.Add(1)
		},
		"a begin": func(_ *paritytest.Outcome, l *paritytest.Life) {
			r := record(l, "task.started")
			r.Time = r.Time.Add(1)
		},
		"a status": func(_ *paritytest.Outcome, l *paritytest.Life) { l.Cursor.Status = journal.Failed },
		"a count":  func(_ *paritytest.Outcome, l *paritytest.Life) { l.Cursor.Counts.NodeRuns++ },
		"a state":  func(_ *paritytest.Outcome, l *paritytest.Life) { l.State["n"] = 2.0 },
		"a stack":  func(o *paritytest.Outcome, _ *paritytest.Life) { o.Lives["other"] = &paritytest.Life{} },
		"a decision": func(_ *paritytest.Outcome, l *paritytest.Life) {
			r := record(l, "node.decided")
			b := *r.Body.(*journal.NodeDecided)
			b.Run, r.Body = !b.Run, &b
		},
	} {
		o := &paritytest.Outcome{Said: slices.Clone(want.Said), Lives: maps.Clone(want.Lives)}
		l := *o.Lives["items"]
		l.Records, l.State = slices.Clone(l.Records), maps.Clone(l.State)
		o.Lives["items"] = &l
		plant(o, &l)
		if diff := paritytest.Diff(want, o); (diff == "") != (name == "nothing") {
			t.Errorf("%s is different, and the difference is %q", name, diff)
		}
	}
}

// TestParityFindsFaults: faults of a driver are found.
func TestParityFindsFaults(t *testing.T) {
	t.Parallel()
	c := items(t)
	restless := *c // it has ended before anything comes
	text := strings.Replace(itemsGraph, "pause: {active: 5s, idle: 1m, factor: 2}", "pause: 0s", 1)
	restless.Stacks = []paritytest.Start{{ID: "items", Graph: compileText(t, strings.Replace(text, "cycles: 100", "cycles: 5", 1), c.Kinds)}}
	for _, f := range []struct {
		name  string
		c     *paritytest.Case
		plant func(*world)
	}{
		{"a timer takes too long", &restless, func(x *world) { x.w.shortest = time.Millisecond }},
		{"a timer is lost", c, func(x *world) { x.w.probe.replays = func(_, read *decision) { read.wake = time.Time{} } }},
		{"an attempt is another", c, func(x *world) { x.w.probe.replays = func(decided, _ *decision) { mistake(decided) } }},
	} {
		want := paritytest.Memstore(t, f.c)
		if diff := paritytest.Diff(want, inTestEnvironment(t, f.c)); diff != "" {
			t.Errorf("without a fault (-memstore +workflow)\n%s", diff)
		}
		if diff := paritytest.Diff(want, runWorkflows(t, f.c, f.plant)); diff == "" {
			t.Errorf("%s, and nobody finds it", f.name)
		}
	}
}

// mistake has an attempt get the input of another one.
func mistake(d *decision) {
	for i := range d.begins {
		if in := d.begins[i].task; in != nil && in.Node == "shout" && in.Item == "0" {
			in.Item = "1"
		}
	}
}
