package torture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// halfAWave is a life in which 32 of a wave's 64 tasks come to their end.
const halfAWave = "half a wave"

const wide = `{"graphrun": 1, "name": "wide", "pools": [{"name": "default", "parallel": 1000}],
	"state": [{"name": "log", "type": "list(string)", "reduce": {"name": "append"}}, {"name": "messages", "type": "list(string)"}],
	"events": [{"name": "message", "to": "messages"}],
	"nodes": [{"id": "wide", "uses": "work", "with": {"n": "${{ it }}"}, "for_each": {"in": "1..64", "as": "it", "max": "64"}, "writes": [{"key": "log", "expr": "output"}]}],
	"pause": {"set": true, "active": 3000000}}`

// The process is killed when half of a wide wave is done: that half does not run
// again, and the other half does.
func TestHalfAWave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, ledger := filepath.Join(dir, "graphrun.db"), filepath.Join(dir, "ledger")
	p := begin(t, halfAWave, path, ledger, 1)
	visible := map[string]bool{}
	for len(visible) < stacks*32 {
		select {
		case err := <-p.ended:
			t.Fatal(p.early(err))
		case <-time.After(5 * time.Millisecond):
		}
		for _, w := range lines(t, ledger) {
			if w[0] == "visible" {
				visible[w[1]] = true
			}
		}
	}
	p.kill()
	p = begin(t, "settle", path, ledger, 2)
	if err := <-p.ended; err != nil {
		t.Fatalf("the last life: %v: %s", err, &p.out)
	}
	runs := map[string]int{}
	for _, w := range lines(t, ledger) {
		if w[0] == "run" && strings.Contains(w[1], "/1/1/wide/") {
			runs[w[1]]++
		}
	}
	if len(runs) != stacks*64 || len(visible) != stacks*32 {
		t.Errorf("%d tasks ran, and %d were shown as done; want %d and %d", len(runs), len(visible), stacks*64, stacks*32)
	}
	for task, n := range runs {
		if visible[task] && n != 1 || !visible[task] && n != 2 {
			t.Errorf("%s ran %d times; shown as done before the kill: %t", task, n, visible[task])
		}
	}
}

// lines are the entries of a ledger. One that does not exist has none.
func lines(t *testing.T, ledger string) [][]string {
	t.Helper()
	text, err := os.ReadFile(ledger)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return entries(string(text))
}
