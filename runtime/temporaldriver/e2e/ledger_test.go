package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// A ledger is a file that work appends to, in any process, and that outlives all of them. A kill
// may cut a write off where a page ends, so an entry has a line end before it and a sign at its
// end.
type ledger struct{ f *os.File }

func openLedger(path string) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &ledger{f}, err
}

// note appends an entry in one write. The system keeps it when the process dies.
func (l *ledger) note(words ...string) error {
	_, err := l.f.WriteString("\n" + strings.Join(words, " ") + " .\n")
	return err
}

// What work notes.
const (
	began   = "began"   // an attempt began
	failed  = "failed"  // it failed, as it should
	ended   = "ended"   // it succeeded
	waits   = "waits"   // it waits until somebody kills it
	step    = "step"    // it did a durable step; the last word is its name
	crowded = "crowded" // it found no seat
)

// entry is what work noted.
type entry struct {
	what, key, stack string
	attempt          int
	more             string
}

// readLedger reads the whole entries of a ledger.
func readLedger(t *testing.T, path string) (all []entry) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		whole, ok := strings.CutSuffix(line, " .\n")
		if !ok {
			continue
		}
		w := append(strings.Fields(whole), "")
		if len(w) < 5 {
			t.Fatalf("ledger %s: %q", path, line)
		}
		n, err := strconv.Atoi(w[3])
		if err != nil {
			t.Fatalf("ledger %s: %q: %v", path, line, err)
		}
		all = append(all, entry{w[0], w[1], w[2], n, w[4]})
	}
	return all
}
