package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// Run checks a kind of store. open gives an empty one and sees to it that it
// is closed when the test ends; reopen closes a store and opens it again with
// what it has. It is nil for a store that keeps nothing.
func Run(t *testing.T, open func(testing.TB) runtime.Store, reopen func(testing.TB, runtime.Store) runtime.Store) {
	for _, check := range checks {
		t.Run(check.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			check.run(t, s, func() runtime.Store { return s })
		})
		if reopen == nil || check.once {
			continue
		}
		t.Run(check.name+"/reopened", func(t *testing.T) {
			t.Parallel()
			s := open(t)
			check.run(t, s, func() runtime.Store {
				s = reopen(t, s)
				return s
			})
		})
	}
}

// A check writes to s and reads from what again gives, which is from then on
// the store.
var checks = []struct {
	name string
	once bool // does not profit from being run on a reopened store
	run  func(t *testing.T, s runtime.Store, again func() runtime.Store)
}{
	{"values", false, checkValues},
	{"identity and cursor", false, checkIdentity},
	{"records", false, checkRecords},
	{"rounds", false, checkRounds},
	{"records of the open cycle", false, checkOpenCycle},
	{"records stop at an error", true, checkRecordsStop},
	{"whole values", false, checkWhole},
	{"lists", false, checkLists},
	{"lists by chance", false, checkListsByChance},
	{"objects", false, checkObjects},
	{"objects by chance", false, checkObjectsByChance},
	{"open questions", false, checkQuestions},
	{"an object of 10,000 properties", false, checkManyProperties},
	{"large values", false, checkLarge},
	{"repeated commits", false, checkRepeated},
	{"gaps", false, checkGaps},
	{"forks by chance", false, checkForksByChance},
	{"forks of what has moved", false, checkForkMoved},
	{"names", false, checkNames},
	{"parts that do not fit", false, checkMisfit},
	{"isolation", true, checkIsolation},
	{"graphs", false, checkGraphs},
	{"many stacks", false, checkMany},
	{"concurrent commits", false, checkConcurrent},
	{"readers and writers", true, checkReaders},
	{"busy", true, checkBusy},
	{"remove", false, checkRemove},
	{"cancelled", true, checkCancelled},
	{"closed", true, checkClosed},
	{"history", false, checkHistory},
	{"joined cycles", false, checkJoins},
	{"a list of stacks", false, checkStacks},
	{"records that are wanted", false, checkWants},
	{"points of a long history", false, checkPoints},
	{"definitions", false, checkDefinitions},
	{"memories", false, checkMemories},
	{"deletes of memories", false, checkMemoryDeletes},
	{"scopes of memories", false, checkMemoryScopes},
	{"memories by chance", false, checkMemoriesByChance},
	{"other vectors", false, checkReembed},
	{"memories are read", true, checkMemoryReading},
	{"kept texts", false, checkKept},
}

var began = time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)

// stack is what a store should have of a stack: the model it is compared with.
type stack struct {
	name    string
	nonce   string
	state   map[string]any
	keys    map[string]int
	records []journal.Record
	cursor  journal.Cursor
}

// newStack is a stack that the store does not know yet.
func newStack(name string) *stack {
	return &stack{name: name, nonce: "nonce of " + name, state: map[string]any{}, keys: map[string]int{}}
}

// commit makes the next commit with n records and the changes, and applies it
// to the model.
func (st *stack) commit(n int, changes ...graph.Change) runtime.Commit {
	c := runtime.Commit{Stack: st.name, Changes: changes}
	if st.cursor.Seq == 0 {
		c.Create = st.identity()
	}
	for range n {
		st.cursor.Seq++
		r := journal.Record{
			Seq: st.cursor.Seq, Time: began.Add(time.Duration(st.cursor.Seq) * time.Second),
			Stack: st.name, Cycle: st.cursor.Cycle, Body: sampleBody(st.cursor.Seq),
		}
		st.records = append(st.records, r)
		c.Records = append(c.Records, r)
	}
	st.cursor.Status, st.cursor.Hash = journal.Running, "hash"
	st.cursor.Counts.Waves++
	for i := range c.Changes {
		ch := &c.Changes[i]
		if _, ok := st.keys[ch.Name]; !ok {
			st.keys[ch.Name] = len(st.keys)
		}
		ch.Key = st.keys[ch.Name]
		st.state[ch.Name] = ch.Value
	}
	c.Cursor = st.cursor
	return c
}

func (st *stack) identity() *journal.Identity {
	return &journal.Identity{
		Stack: st.name, Graph: "sample", Nonce: st.nonce, CreatedAt: began,
		Params: map[string]any{"goal": "ß\u2028", "depth": int64(9007199254740993), "ratio": 0.25},
	}
}

// whole is a change that sets a key.
func whole(name string, v any) graph.Change { return graph.Change{Name: name, Value: v, Whole: true} }

// delta is a change of a list's elements; its value follows from the model.
func (st *stack) delta(name string, drop int, put ...graph.Element) graph.Change {
	old, _ := st.state[name].([]any)
	list := append([]any{}, old[min(drop, len(old)):]...)
	for _, p := range put {
		if p.At == len(list) {
			list = append(list, p.Value)
		} else {
			list[p.At] = p.Value
		}
	}
	return graph.Change{Name: name, Value: list, Drop: drop, Put: put}
}

// set is a change of an object's properties; its value follows from the model.
func (st *stack) set(name string, properties map[string]any) graph.Change {
	old, _ := st.state[name].(map[string]any)
	object := maps.Clone(old)
	c := graph.Change{Name: name, Value: object}
	for _, p := range slices.Sorted(maps.Keys(properties)) {
		object[p] = properties[p]
		c.Set = append(c.Set, graph.Property{Name: p, Value: properties[p]})
	}
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect compares a store's stack with the model: snapshot and whole history.
func (st *stack) expect(t testing.TB, s runtime.Store) {
	t.Helper()
	snap, err := s.Load(context.Background(), st.name)
	must(t, err)
	equal(t, "identity", describe(snap.Identity), describe(*st.identity()))
	equal(t, "cursor", describe(snap.Cursor), describe(st.cursor))
	equal(t, "state", value.String(snap.State), value.String(st.state))
	open := 0
	for open < len(st.records) && st.records[open].Seq < st.cursor.CycleSeq {
		open++
	}
	equal(t, "records of the snapshot", needed(snap.Cursor, snap.Records), needed(st.cursor, st.records[open:]))
	equal(t, "records", lines(read(t, s, st.name, journal.Want{Bulk: true})), lines(st.records))
}

// needed are the records of a snapshot without what a store may leave out.
func needed(at journal.Cursor, records []journal.Record) string {
	if at.Open {
		return lines(records)
	}
	list := slices.Clone(records)
	for i, r := range list {
		if r.Body.Type() != "event.received" {
			list[i] = r.WithBulk(nil)
		}
	}
	return lines(list)
}

func read(t testing.TB, s runtime.Store, stack string, want journal.Want) []journal.Record {
	t.Helper()
	var all []journal.Record
	must(t, s.Records(context.Background(), stack, want, func(r journal.Record) error {
		all = append(all, r)
		return nil
	}))
	return all
}

func summaries(t testing.TB, s runtime.Store) []runtime.Summary {
	t.Helper()
	var all []runtime.Summary
	must(t, s.Stacks(context.Background(), func(sum runtime.Summary) error {
		all = append(all, sum)
		return nil
	}))
	return all
}

func equal(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	const around = 200
	t.Fatalf("%s differ at byte %d:\n got …%s\nwant …%s", what, at,
		got[max(0, at-around):min(len(got), at+around)], want[max(0, at-around):min(len(want), at+around)])
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// describe writes a struct with its times in UTC.
func describe(v any) string { return fmt.Sprintf("%+v", v) }

func lines(records []journal.Record) string {
	var b []byte
	for _, r := range records {
		b = append(journal.AppendRecord(b, r, true), '\n')
	}
	return string(b)
}
