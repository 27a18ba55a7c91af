package feed_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

// TestDeltas: a listener that is in time gets all the text, in order; one that is too
// slow gets what fits, and sees by the offsets what is missing.
func TestDeltas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f feed.Feed
		all, slow, other := "", []feed.Delta(nil), 0
		release := make(chan struct{})
		defer f.OnDelta("s", func(d feed.Delta) { all += d.Text })()
		defer f.OnDelta("", func(d feed.Delta) { <-release; slow = append(slow, d) })()
		defer f.OnDelta("else", func(feed.Delta) { other++ })()
		piece := strings.Repeat("x", 1000)
		const pieces = 3000
		for i := range pieces {
			f.Delta(feed.Delta{Stack: "s", Task: journal.TaskKey{Node: "a"}, Attempt: 1, At: time.Now(), Text: piece, Offset: i * len(piece)})
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		f.Delta(feed.Delta{Stack: "s", Task: journal.TaskKey{Node: "a"}, Attempt: 1, Text: "end", Offset: pieces * len(piece)})
		synctest.Wait()
		if len(all) != pieces*len(piece)+3 || other != 0 {
			t.Errorf("%d bytes for one who is in time, %d deltas of another stack", len(all), other)
		}
		at, gaps, size := 0, 0, 0
		for _, d := range slow {
			if d.Offset < at {
				t.Fatalf("offset %d after %d", d.Offset, at)
			}
			if d.Offset > at {
				gaps++
			}
			at = d.Offset + len(d.Text)
			size += len(d.Text)
		}
		if gaps != 1 || at != pieces*len(piece)+3 || size > 2<<20 || size < 900_000 {
			t.Errorf("%d gaps, %d bytes, the last at %d", gaps, size, at)
		}
	})
}

// TestDeltasOfTwoAttempts: what two attempts say at the same time is not mixed.
func TestDeltasOfTwoAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f feed.Feed
		said, hold := map[string]string{}, make(chan struct{})
		defer f.OnDelta("", func(d feed.Delta) { <-hold; said[d.Task.Node] += d.Text })()
		for i, text := range []string{"one ", "two ", "three "} {
			for _, node := range []string{"a", "b"} {
				f.Delta(feed.Delta{Stack: "s", Task: journal.TaskKey{Node: node}, Attempt: 1, Text: text, Offset: 4 * i})
			}
		}
		close(hold)
		synctest.Wait()
		if said["a"] != "one two three " || said["b"] != said["a"] {
			t.Errorf("said %q", said)
		}
	})
}
