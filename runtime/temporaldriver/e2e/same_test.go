package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// here plays a scene in the embedded engine.
func here(t *testing.T, s *scene) (engine, []string) {
	t.Helper()
	k := registry(t, tempFile(t, "ledger"))
	store := &memstore.Store{Cycles: -1}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: k, Nonce: func() string { return calmNonce }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	e := engine{api.Local(rt), store}
	s.play(t, e, k, "")
	var names []string
	err = store.Stacks(t.Context(), func(sum journal.Summary) error {
		names = append(names, sum.Identity.Stack)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, names
}

// told is all that an engine tells of a stack, a line for each record and each key of the state,
// without what differs from run to run: times, nonces, and the order within a wave.
func told(t *testing.T, e engine, stack, prefix string) []string {
	t.Helper()
	plain := func(text string) string {
		text = uuid.ReplaceAllString(text, calmNonce)
		if prefix != "" {
			text = strings.ReplaceAll(text, prefix, "")
		}
		return text
	}
	snap, err := e.State(t.Context(), stack)
	if err != nil {
		t.Fatalf("%s: %v", stack, err)
	}
	c := &snap.Cursor
	lines := []string{plain(fmt.Sprintf("%s %q, cycle %d, %+v", c.Status, c.Reason, c.Cycle, c.Counts))}
	for name, v := range journal.Visible(snap.State) { // in any order: sorted
		lines = append(lines, plain("state "+name+" = "+value.String(v)))
	}
	slices.Sort(lines[1:])
	var records []string
	sums := map[string]uint64{}
	err = e.Records(t.Context(), stack, journal.Want{Bulk: true}, func(r journal.Record) error {
		for _, r := range journal.Singles([]journal.Record{r}) {
			var m map[string]any
			if err := json.Unmarshal(journal.AppendRecord(nil, r, true), &m); err != nil {
				return err
			}
			wave, _ := m["wave"].(float64)
			when := fmt.Sprintf("%04d.%04d", r.Cycle, int(wave))
			timeless(m)
			if u, ok := r.Body.(*journal.TaskUsed); ok { // how often it is said does not matter
				used := fmt.Sprintf("%s the child of %s#%d has used", when, u.Node, u.Attempt)
				sums[used] += u.NodeRuns
				continue
			}
			b, err := json.Marshal(m)
			if err != nil {
				return err
			}
			records = append(records, when+" "+plain(string(b)))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", stack, err)
	}
	for what, runs := range sums { // in any order: sorted
		records = append(records, fmt.Sprintf("%s %d", what, runs))
	}
	slices.Sort(records)
	return append(lines, records...)
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// timeless takes out what a record says of times, and its number.
func timeless(m map[string]any) {
	for name, v := range m { // in any order: each by itself
		switch {
		case name == "seq", strings.HasSuffix(name, "time"), strings.HasSuffix(name, "_ms"), strings.HasSuffix(name, "_ns"), strings.HasSuffix(name, "_at"):
			delete(m, name)
			continue
		}
		if inner, ok := v.(map[string]any); ok {
			timeless(inner)
		}
	}
}

// calm is what the embedded engine tells of all stacks of a scene, by their names.
func calm(t *testing.T, s *scene) map[string][]string {
	t.Helper()
	e, names := here(t, s)
	all := map[string][]string{}
	for _, name := range names {
		all[name] = told(t, e, name, "")
	}
	return all
}

// TestScenesAreSteady: a scene comes out the same whenever it is played, or nothing could be
// compared with it.
func TestScenesAreSteady(t *testing.T) {
	t.Parallel()
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(calm(t, &s), calm(t, &s)); d != "" {
				t.Errorf("two runs (- first, + second):\n%s", d)
			}
		})
	}
}

// TestSameAsEmbedded: the scenes come out on a real server as in the embedded engine, with the
// same records and the same states, also those of the stacks of nodes.
func TestSameAsEmbedded(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 5 * time.Second}
	newWorker(t, s)
	newWorker(t, s)
	k := registry(t, s.Ledger)
	o, err := s.options(nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{"each": true, "retry": true, "loop": true, "events": true, "queue": true, "approval": true, "wait_for": true, "timeout": true,
		"child": true, "child_until": true, "child_until.loop.1.1": true, "latch": true, "finally": true, "eager": true, "from": true, "to": true,
		"memory": true, "control": true, "cancel_task": true, "pool": true}
	there := newStacks(t, c.Address(), s.Queue, k)
	prefix := fmt.Sprintf("same%d.", time.Now().UnixNano())
	for _, one := range scenes {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			want := calm(t, &one)
			e := engine{there, there}
			one.play(t, e, k, prefix)
			got := map[string][]string{}
			for name := range want { // in any order: into a map
				got[name] = told(t, e, prefix+name, prefix)
				there.replay(t, o, prefix+name)
				if kept[name] {
					there.record(t, name, prefix+name, 1)
				}
			}
			if one.name == "pool" {
				there.record(t, "limiter", "graphrun.pool@"+s.Queue+"/pool/narrow", 1)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(- embedded, + cluster):\n%s", d)
			}
		})
	}
}
