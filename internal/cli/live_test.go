package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// screen is a terminal that several goroutines write to.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// take gives what was written since it was called last.
func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// liveOn is a view on a terminal of 60 columns and 10 lines.
func liveOn(s *screen) *liveView {
	v := newLiveView(&app{out: &dataWriter{w: io.Discard}, err: s}, "s", &graph.Graph{})
	v.size = func() (int, int, error) { return 60, 10, nil }
	return v
}

func record(cycle uint64, b journal.Body) journal.Record {
	return journal.Record{Time: time.Now(), Stack: "s", Cycle: cycle, Body: b}
}

// TestLiveView: the table is drawn again while time passes, what is over stays, and
// in the end the cursor is back.
func TestLiveView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		v := liveOn(s)
		v.from(journal.Cursor{Cycle: 3, Open: true, Wave: 2}, nil)
		if got := s.take(); got != "" {
			t.Errorf("before it began: %q", got)
		}
		v.begin()
		v.record(record(4, &journal.CycleStarted{}))
		v.record(record(4, &journal.WaveStarted{Wave: 1, Nodes: []string{"a"}}))
		v.record(record(4, &journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1}))
		<-time.After(350 * time.Millisecond)
		drawn := s.take()
		if !strings.HasPrefix(drawn, hideCursor) || !strings.Contains(drawn, "a  running 300ms") || !strings.Contains(drawn, "s cycle 4, wave 1") {
			t.Errorf("while it runs: %q", drawn)
		}
		v.stopping(5 * time.Second)
		<-time.After(tick)
		if drawn = s.take(); !strings.Contains(drawn, "interrupted: 1 task may finish within 5s") {
			t.Errorf("while it stops: %q", drawn)
		}
		v.record(record(4, &journal.TaskFinished{Wave: 1, Node: "a", Attempt: 1, Duration: time.Second}))
		v.record(record(4, &journal.CycleFinished{Waves: 1, NodeRuns: 1}))
		if drawn = s.take(); !strings.Contains(drawn, "✓ a  ") || !strings.Contains(drawn, "cycle 4 finished: 1 wave, 1 node run") {
			t.Errorf("what stays: %q", drawn)
		}
		v.close()
		if drawn = s.take(); !strings.HasSuffix(drawn, "\x1b[?25h") {
			t.Errorf("the cursor stays hidden: %q", drawn)
		}
		v.close()
		<-time.After(time.Second)
		if drawn = s.take(); drawn != "" {
			t.Errorf("after the end: %q", drawn)
		}
	})
}

// TestLiveViewOfNothing: a stack that never began leaves no trace on the terminal.
func TestLiveViewOfNothing(t *testing.T) {
	t.Parallel()
	s := &screen{}
	v := liveOn(s)
	v.close()
	if got := s.take(); got != "" {
		t.Errorf("it wrote %q", got)
	}
}

// TestWhere: the last line says how far the stack is.
func TestWhere(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]func(*liveModel){
		"s starting":                                   func(*liveModel) {},
		"s cycle 2, wave 3":                            func(m *liveModel) { m.cycle, m.wave = 2, 3 },
		"s cycle 2 done":                               func(m *liveModel) { m.cycle, m.pause = 2, viewStart },
		"s cycle 2 done, next in 1m0s":                 func(m *liveModel) { m.cycle, m.pause = 2, viewStart.Add(time.Minute) },
		"s cycle 2 done, waits for an event":           func(m *liveModel) { m.cycle, m.resting = 2, true },
		"interrupted: 2 tasks may finish within 3s (…": func(m *liveModel) { m.cycle = 2; m.columns = 47; m.stop = stoppingLine(2, 3*time.Second) },
	} {
		m := newLiveModel(itself{}, "s", &graph.Graph{})
		m.now = viewStart
		set(m)
		if got := m.where(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestLiveRowsOfFailures: attempts that come again, elements, and writes that do not
// fit are told apart; what another record says is a line of its own.
func TestLiveRowsOfFailures(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	m.styles = newLiveStyles()
	failure := &journal.Failure{Kind: "exit", Message: "exit status 3"}
	printed := show(m,
		&journal.StackStarted{Graph: "g"},
		&journal.TaskStarted{Wave: 1, Node: "again", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "again", Attempt: 1, Error: failure, RetryAt: viewStart.Add(9 * time.Second)},
		&journal.TaskStarted{Wave: 1, Node: "each", Item: "x", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "each", Item: "x", Attempt: 1, Error: failure},
		&journal.TaskStarted{Wave: 1, Node: "writes", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "writes", Attempt: 1},
		&journal.WaveCommitted{Wave: 1, Settled: []journal.Settled{{Node: "writes", Status: "failed", AtCommit: true,
			Error: &journal.Failure{Kind: "schema", Message: "state.n must be an integer"}}}},
	)
	if diff := cmp.Diff([]string{"stack s started (graph g)"}, printed); diff != "" {
		t.Errorf("lines (-want +got)\n%s", diff)
	}
	rows := strings.Join(m.styles.table(m.visible(), 100, "*", m.now, true), "\n")
	for _, part := range []string{
		"* again   failed after 0s (exit): exit status 3; attempt 2 in 7s",
		"1 failed, 1s, x failed after 0s (exit): exit status 3",
		"failed at the commit (schema): state.n must be an integer",
		"\x1b[31m✗",
	} {
		if !strings.Contains(rows, part) {
			t.Errorf("%q is not in\n%s", part, rows)
		}
	}
	for i := range 20 {
		show(m, &journal.TaskStarted{Wave: 1, Node: fmt.Sprint("n", i), Attempt: 1})
	}
	m.lines = 8
	if view := strings.Join(m.view(), "\n"); !strings.Contains(view, "… 19 more") {
		t.Errorf("hidden rows are not counted:\n%s", view)
	}
}
