package boltstore

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// fork makes the commit of a fork of the stack as it is, between two cycles, and the wave
// that continues it.
func (w *wave) fork(name string) (runtime.Commit, *wave) {
	n := *w
	n.stack = name
	base := w.cursor
	base.CycleSeq = base.Seq + 1
	n.cursor.CycleSeq = base.Seq + 1
	c := runtime.Commit{Stack: name, Fork: &runtime.Fork{
		Stack: w.stack, Nonce: "n", Base: base.Seq, BaseCursor: &base, State: base.Seq, Now: true,
	}}
	c.Create = &journal.Identity{Stack: name, Graph: "bench", Nonce: "n", Origins: []journal.Origin{
		{From: journal.From{Stack: w.stack, Cycle: base.Cycle}, Nonce: "n", Seq: base.Seq + 1, First: base.Seq + 1}}}
	return n.add(c, 1), &n
}

// rowsOf counts the rows of all stacks.
func rowsOf(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.view(ctx, func(t *txn) error {
		return t.stacks.ForEach(func([]byte, []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A fork writes the same whatever the size of the state, and so does the stack after it.
func TestForkWritesLittle(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	var rows []int
	for _, elements := range []int{10, 10_000} {
		w := &wave{stack: strings.Repeat("s", elements/1000+1)}
		list := make([]any, elements)
		for i := range list {
			list[i] = "an element"
		}
		c := w.create()
		c.Changes[0].Value = list
		w.n = elements
		mustCommit(t, s, c)
		mustCommit(t, s, w.next())
		before := rowsOf(t, s)
		c, f := w.fork(w.stack + "f")
		mustCommit(t, s, c)
		mustCommit(t, s, w.next())
		forked := rowsOf(t, s)
		rows = append(rows, forked-before)
		mustCommit(t, s, f.next()) // the first change of the list stores it
		if now := rowsOf(t, s); now < forked+elements {
			t.Errorf("%d rows more, want at least %d", now-forked, elements)
		}
	}
	if rows[0] != rows[1] || rows[0] > 30 {
		t.Errorf("a fork makes %v rows", rows)
	}
}

// What stacks and their forks leave behind goes with the last of them, in any order.
func TestForksAreRemoved(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a", "c"}, {"b", "c", "a"}} {
		s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
		w := &wave{stack: "a"}
		mustCommit(t, s, w.create())
		for range 600 {
			c := w.next()
			c.Changes = append(c.Changes, graph.Change{Name: "big", Whole: true, Value: strings.Repeat("large ", 500)})
			mustCommit(t, s, c)
		}
		c, b := w.fork("b")
		mustCommit(t, s, c)
		mustCommit(t, s, w.next())
		mustCommit(t, s, graphChange(b))
		c, _ = b.fork("c")
		mustCommit(t, s, c)
		left := slices.Clone(order)
		for len(left) > 0 {
			want := map[string]string{}
			for _, stack := range left[1:] {
				text, err := content(s, stack)
				if err != nil {
					t.Fatal(err)
				}
				want[stack] = text
			}
			if err := s.Remove(ctx, left[0]); err != nil {
				t.Fatal(err)
			}
			for stack, text := range want {
				if got, err := content(s, stack); err != nil || got != text {
					t.Errorf("%v: %q differs once %q is removed (%v)", order, stack, left[0], err)
				}
			}
			left = left[1:]
		}
		if n := rowsOf(t, s); n != 0 {
			t.Errorf("%v: %d rows are left", order, n)
		}
		path := s.Path()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if report := mustCheck(t, path); len(report.Problems) > 0 || report.Blobs > 0 {
			t.Errorf("%v: %+v", order, report)
		}
	}
}

// graphChange is a commit that changes one key whole.
func graphChange(w *wave) runtime.Commit {
	return w.add(runtime.Commit{Stack: w.stack, Changes: []graph.Change{{Name: "idea", Value: "another", Whole: true}}}, 1)
}

// Damage of what is shared is that of the fork too.
func TestSharedDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "a"}
	mustCommit(t, s, w.create())
	mustCommit(t, s, w.next())
	c, _ := w.fork("b")
	mustCommit(t, s, c)
	err := s.submit(true, func(t *txn) error {
		t.writes++
		n, err := t.find("a")
		if err != nil {
			return err
		}
		h, err := t.head(n)
		if err != nil {
			return err
		}
		return t.stacks.Delete(n.element(h.keys[h.key("messages")].number, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, stack := range []string{"a", "b"} {
		if _, err := s.Load(ctx, stack); err == nil || !strings.Contains(err.Error(), `stack "`+stack+`": damaged row`) {
			t.Errorf("%q: %v", stack, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var stacks []string
	for _, p := range mustCheck(t, path).Problems {
		stacks = append(stacks, p.Stack)
	}
	if !slices.Contains(stacks, "a") || !slices.Contains(stacks, "b") {
		t.Errorf("problems of %v", stacks)
	}
}

// A damaged stack costs its forks nothing that they do not share.
func TestSalvageForks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, to := filepath.Join(dir, "graphrun.db"), filepath.Join(dir, "saved.db")
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "a"}
	mustCommit(t, s, w.create())
	mustCommit(t, s, w.next())
	c, b := w.fork("b")
	mustCommit(t, s, c)
	mustCommit(t, s, b.next())
	mustCommit(t, s, w.next())
	want, err := content(s, "b")
	if err != nil {
		t.Fatal(err)
	}
	err = s.submit(true, func(t *txn) error { // the last records of the first stack
		t.writes++
		n, err := t.find("a")
		if err != nil {
			return err
		}
		return t.stacks.Delete(n.journal(w.cursor.Seq - 3))
	})
	if err := firstError(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	report, err := Salvage(ctx, path, to)
	if err != nil || report.Stacks != 1 || len(report.Problems) != 1 || report.Problems[0].Stack != "a" {
		t.Fatalf("%+v (%v)", report, err)
	}
	expectContent(t, to, map[string]string{"b": want})
	saved := openAt(t, to, Options{})
	mustCommit(t, saved, (&wave{stack: "new"}).create())
	mustCommit(t, saved, b.next())
	for _, stack := range []string{"b", "new"} {
		if err := saved.Remove(ctx, stack); err != nil {
			t.Fatal(err)
		}
	}
	if n := rowsOf(t, saved); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
