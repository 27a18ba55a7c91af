package feed

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

func TestCommitsReachTheirListeners(t *testing.T) {
	t.Parallel()
	var got []string
	hears := func(name string) func(Commit) {
		return func(c Commit) { got = append(got, fmt.Sprint(name, " ", c.Stack, c.Cursor.Seq)) }
	}
	f := Of(hears("all"))
	stop := f.OnCommit("a", hears("only a"))
	also := f.OnCommit("a", hears("also a"))
	say := func(stack string, seq uint64) { f.Commit(Commit{Stack: stack, Cursor: journal.Cursor{Seq: seq}}) }
	say("a", 1)
	say("b", 2)
	stop()
	stop()
	say("a", 3)
	also()
	say("a", 4)
	want := []string{"all a1", "only a a1", "also a a1", "all b2", "all a3", "also a a3", "all a4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if len(f.commits) != 1 {
		t.Errorf("lists of %d stacks are left, want that of all stacks", len(f.commits))
	}
}

// Nobody waits for a listener to notes, and it gets those that it has time for.
func TestNotesAreLossy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f Feed
		busy, got := make(chan struct{}), []string{}
		stop := f.OnNote("a", func(n Note) {
			<-busy
			got = append(got, n.Text)
		})
		for i := range 10 * heldNotes {
			f.Note(Note{Stack: "a", Text: fmt.Sprint(i)})
			f.Note(Note{Stack: "b", Text: "of another stack"})
			if i == 0 {
				synctest.Wait() // it is busy with the first from here on
			}
		}
		close(busy)
		synctest.Wait()
		if len(got) != 1+heldNotes || got[0] != "0" || got[heldNotes] != fmt.Sprint(heldNotes) {
			t.Errorf("%d notes from %q to %q, want the first %d", len(got), got[0], got[len(got)-1], 1+heldNotes)
		}
		stop()
		stop()
		f.Note(Note{Stack: "a", Text: "late"})
		synctest.Wait()
		if len(got) != 1+heldNotes {
			t.Errorf("after its end it got %q", got[len(got)-1])
		}
	})
}

// A listener that ends its goroutine, as a test that fails does, ends nobody else's.
func TestListenersMayEndTheirGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		f := Of(func(Commit) { runtime.Goexit() })
		defer f.OnCommit("", func(c Commit) { heard = append(heard, c.Stack) })()
		defer f.OnNote("", func(n Note) {
			heard = append(heard, n.Text)
			runtime.Goexit()
		})()
		done := false
		go func() {
			f.Commit(Commit{Stack: "a"})
			f.Commit(Commit{Stack: "b"})
			done = true
		}()
		synctest.Wait()
		f.Note(Note{Stack: "a", Text: "one"})
		f.Note(Note{Stack: "a", Text: "two"})
		synctest.Wait()
		if diff := cmp.Diff([]string{"a", "b", "one", "two"}, heard); !done || diff != "" {
			t.Errorf("returned: %v; heard (-want +got):\n%s", done, diff)
		}
	})
}
