package boltstore

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
)

const askEach = `
graphrun: 1
name: each
state: {people: {type: list(string), default: []}}
nodes:
  ask: {uses: approval, for_each: {in: state.people, as: p, key: p}, with: {prompt: "May ${{ p }} come in?"}}
edges: [{to: ask}]
once: true
`

// An answer writes as much among a thousand open questions as among 25.
func TestAnswerSize(t *testing.T) {
	t.Parallel()
	answer := func(people int) (bytes int64) {
		path := filepath.Join(t.TempDir(), "graphrun.db")
		synctest.Test(t, func(t *testing.T) {
			s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
			kinds := std.Registry()
			rt, err := runtime.Open(t.Context(), runtime.Config{Store: s, Kinds: kinds})
			if err != nil {
				t.Fatal(err)
			}
			src, problems := dsl.Compile("each.graphrun.yaml", []byte(askEach), kinds)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			names := make([]any, people)
			for i := range names {
				names[i] = fmt.Sprint("person-", i)
			}
			if _, err := rt.Start(t.Context(), src.Graph, runtime.StartOptions{ID: "s", State: map[string]any{"people": names}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			at := 0
			next := func() {
				o := runtime.AnswerOptions{Item: fmt.Sprint("person-", at), Output: map[string]any{"approved": true}}
				if err := rt.AnswerWith(t.Context(), "s", "ask", o); err != nil {
					t.Fatal(err)
				}
				at += 2
			}
			next() // from now on the store has what the node remembers element by element
			const answers = 10
			bytes = written(t, s, answers, func() {
				for range answers {
					next()
				}
			}) / answers
			if sum, err := s.Stack(t.Context(), "s"); err != nil || len(sum.Cursor.Waiting) != people-answers-1 {
				t.Errorf("%d questions are open, want %d: %v", len(sum.Cursor.Waiting), people-answers-1, err)
			}
			if err := rt.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		return bytes
	}
	few, many := answer(25), answer(1000)
	if t.Logf("an answer writes %d bytes among 25 questions, %d among 1,000", few, many); many > 2*few {
		t.Error("that grows with the number of open questions")
	}
}

// A store of an earlier version has all questions in the cursor. It can be read, and they
// move with the next commit.
func TestQuestionsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "old"}
	mustCommit(t, s, w.create())
	for i := range 100 {
		w.cursor.Waiting = append(w.cursor.Waiting, journal.Waiting{Node: "ask", Item: fmt.Sprint(i), Kind: "approval", Since: time.Unix(int64(i), 0).UTC()})
	}
	w.cursor.Asking = slices.Clone(w.cursor.Waiting)
	rows, err := newEncoder().commit(w.next())
	if err != nil {
		t.Fatal(err)
	}
	if rows.cursor, err = w.cursor.MarshalJSON(); err != nil {
		t.Fatal(err)
	}
	rows.waiting, rows.asking = nil, nil
	if err := s.submit(false, rows.apply); err != nil {
		t.Fatal(err)
	}
	expect := func() {
		t.Helper()
		sum, err := s.Stack(ctx, "old")
		if d := cmp.Diff(w.cursor, sum.Cursor); err != nil || d != "" {
			t.Error(err, d)
		}
	}
	expect()
	w.cursor.Waiting = slices.Delete(slices.Clone(w.cursor.Waiting), 50, 51)
	mustCommit(t, s, w.next())
	expect()
	w.cursor.Waiting, w.cursor.Asking = nil, w.cursor.Asking[:1]
	mustCommit(t, s, w.next())
	expect()
}
