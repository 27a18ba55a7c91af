package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/agent"
)

var viewStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// show feeds a model with bodies, one second apart, and gives what it prints.
func show(m *liveModel, bodies ...journal.Body) (printed []string) {
	for i, b := range bodies {
		r := journal.Record{Seq: uint64(i + 1), Time: viewStart.Add(time.Duration(i) * time.Second), Stack: "s", Cycle: 1, Body: b}
		printed = append(printed, m.record(r)...)
		m.now = r.Time
	}
	return printed
}

func TestLiveTable(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	m.columns = 60
	failure := &journal.Failure{Kind: "exit", Message: "exit status 3:\n\x1b[31mit broke in a way that takes many words to tell"}
	printed := show(m,
		&journal.CycleStarted{}, &journal.WaveStarted{Wave: 1, Nodes: []string{"each", "a-node-with-a-long-name"}},
		&journal.TaskStarted{Wave: 1, Node: "each", Item: "x", Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "each", Item: "y", Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "a-node-with-a-long-name", Attempt: 2},
		&journal.TaskFinished{Wave: 1, Node: "each", Item: "y", Attempt: 1},
	)
	if len(printed) > 0 {
		t.Errorf("printed before the cycle was over: %q", printed)
	}
	want := []string{"  * each                  1 done, 1 running, 3s", "  * a-node-with-a-long-…  attempt 2, running 1s"}
	if diff := cmp.Diff(want, m.styles.table(m.visible(), m.columns, "*", m.now, true)); diff != "" {
		t.Errorf("while it runs (-want +got)\n%s", diff)
	}
	printed = show(m,
		&journal.TaskFinished{Wave: 1, Node: "each", Item: "x", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "a-node-with-a-long-name", Attempt: 2, Duration: 2 * time.Second, Error: failure},
		&journal.CycleFinished{Waves: 1, NodeRuns: 2, Failed: true},
	)
	text := strings.Join(printed, "\n")
	for _, part := range []string{"2 done", "failed after 2s (exit)", `\u001b[31mit broke`, "words to tell", "cycle 1 finished: 1 wave, 2 node runs, failed"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in what stays:\n%s", part, text)
		}
	}
}

// TestLiveTableFits: of more rows than the terminal has lines, those that run
// are shown.
func TestLiveTableFits(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	m.lines = 10
	for i := range 30 {
		node := fmt.Sprint("n", i)
		show(m, &journal.TaskStarted{Wave: 1, Node: node, Attempt: 1})
		if i != 2 {
			show(m, &journal.TaskFinished{Wave: 1, Node: node, Attempt: 1})
		}
	}
	rows := m.visible()
	if len(rows) != 6 || rows[0].node != "n2" || rows[5].node != "n29" {
		t.Errorf("%d rows, the first %+v; want 6, n2 first as it runs", len(rows), rows[0])
	}
}

// TestLiveTableOutside: a node that runs beyond its cycle keeps its row until
// it is over, also over a restart.
func TestLiveTableOutside(t *testing.T) {
	t.Parallel()
	ask := graph.Node{ID: "ask"}
	ask.Kind.Name, ask.Kind.Waits = "approval", true
	g := &graph.Graph{Nodes: []graph.Node{ask}, Pause: graph.Pause{None: true}}
	m := newLiveModel(itself{}, "s", g)
	printed := show(m,
		&journal.CycleStarted{}, &journal.WaveStarted{Wave: 1, Nodes: []string{"ask", "far", "near"}},
		&journal.TaskStarted{Wave: 1, Node: "ask", Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "far", Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "near", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "near", Attempt: 1},
		&journal.CycleFinished{Waves: 1, NodeRuns: 3},
	)
	want := []string{"  ✓ near  1s", "cycle 1 finished: 1 wave, 3 node runs"}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("what is over (-want +got)\n%s", diff)
	}
	want = []string{"  · ask  waits for an answer, 4s", "  ⠋ far  running 3s", "⠋ s cycle 1 done, waits for an event"}
	if diff := cmp.Diff(want, m.view()); diff != "" {
		t.Errorf("what continues (-want +got)\n%s", diff)
	}
	if m.stopping(time.Second); !strings.HasPrefix(m.stop, "interrupted: 1 task ") {
		t.Errorf("an interrupt waits for %q", m.stop)
	}

	m = newLiveModel(itself{}, "s", g)
	m.now = viewStart.Add(4 * time.Second)
	m.from(journal.Cursor{Cycle: 7, WakeAt: viewStart.Add(9 * time.Second), Waiting: []journal.Waiting{{Node: "ask", Since: viewStart}}}, nil)
	want = []string{"  · ask  waits for an answer, 4s", "⠋ s cycle 7 done, next in 5s"}
	if diff := cmp.Diff(want, m.view()); diff != "" {
		t.Errorf("what continues after a restart (-want +got)\n%s", diff)
	}
	printed = show(m,
		&journal.TaskFinished{Wave: 1, Began: 3, Node: "ask", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Began: 3, Node: "far", Attempt: 1, Duration: time.Minute},
		&journal.CycleFinished{},
	)
	want = []string{"  ✓ ask  0s", "  ✓ far  1m0s", "cycle 1 finished: 0 waves, 0 node runs"}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("what is over after a restart (-want +got)\n%s", diff)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		width  int
		indent string
		want   []string
	}{
		{"", 10, "", nil},
		{"one two  three", 7, "", []string{"one two", "three"}},
		{"one two", 7, "  ", []string{"  one", "  two"}},
		{"averylongword b", 5, "", []string{"averylongword", "b"}},
		{"日本 語", 5, "", []string{"日本", "語"}},
		{"a 日本語日本 b", 5, "", []string{"a", "日本", "語日", "本 b"}},
		{"日本語", 1, "", []string{"日", "本", "語"}},
	} {
		if diff := cmp.Diff(tt.want, wrap(tt.text, tt.width, tt.indent)); diff != "" {
			t.Errorf("wrap(%q, %d) (-want +got)\n%s", tt.text, tt.width, diff)
		}
	}
}

// TestFrame: no line reaches the last column, no more of them than a terminal
// has are drawn, and what a narrower terminal has wrapped is found again.
func TestFrame(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	f := frame{w: &out}
	wide := strings.Repeat("x", 30)
	f.draw([]string{"over"}, []string{"gone", wide, "\x1b[1m" + wide + "\x1b[0m", "last"}, 20, 4)
	x := strings.Repeat("x", 19)
	want := hideCursor + "\rover" + eraseRight + "\r\n" + x + eraseRight + "\r\n\x1b[1m" + x + "\x1b[0m" + eraseRight + "\r\nlast" + eraseRight + eraseBelow
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	out.Reset()
	f.draw(nil, []string{"a"}, 10, 4)
	// Of another width than before, it is erased, so that a terminal joins nothing again.
	if want := hideCursor + "\r\x1b[4A" + eraseBelow + "a" + eraseRight + eraseBelow; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestFrameIsWrittenOver: of the same width nothing is erased before it is drawn again.
func TestFrameIsWrittenOver(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	f := frame{w: &out}
	f.draw(nil, []string{"a", "b"}, 20, 4)
	out.Reset()
	f.draw(nil, []string{"c", "d"}, 20, 4)
	if want := hideCursor + "\r\x1b[1Ac" + eraseRight + "\r\nd" + eraseRight + eraseBelow; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestWatchedRows: what is watched is cut at the terminal's last line, and run --watch loses
// nothing of a long line.
func TestWatchedRows(t *testing.T) {
	t.Parallel()
	w := watcher{shown: []byte("one two three 日本語\n  four\n")}
	if diff := cmp.Diff([]string{"one two three 日本語", "  four"}, w.rows(11, 24)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w.wraps = true
	if diff := cmp.Diff([]string{"one two", "three", "日本語", "  four"}, w.rows(11, 24)); diff != "" {
		t.Errorf("wrapped (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one two", "3 more lines"}, w.rows(11, 4)); diff != "" {
		t.Errorf("cut (-want +got)\n%s", diff)
	}
}

// TestLiveLeft: what stands in the table at the end is not cut, and stays.
func TestLiveLeft(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	m.columns = 30
	show(m, &journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "a", Attempt: 1, Error: &journal.Failure{Kind: "cancelled", Message: "cancelled at the end"}})
	want := []string{"  ✗ a  failed after 0s", "       (cancelled): cancelled", "       at the end"}
	if diff := cmp.Diff(want, m.left()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if m.ended = true; len(m.view()) > 0 {
		t.Errorf("below it stands %q", m.view())
	}
}

// TestLiveTableIsTame: what a stack says moves no cursor and turns no line around.
func TestLiveTableIsTame(t *testing.T) {
	t.Parallel()
	evil := "\x1b[2J\a\u009b2K\u202eevil\u2066\r\nFORGED line\u2028FORGED"
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	m.columns = 200
	tame := func(when string, lines []string) {
		t.Helper()
		for _, line := range lines {
			if diag.Clean(line) != line || strings.HasPrefix(line, "FORGED") {
				t.Errorf("%s: %q", when, line)
			}
		}
	}
	failure := &journal.Failure{Kind: "exit", Message: evil, Path: evil}
	tame("printed", show(m,
		&journal.CycleStarted{}, &journal.WaveStarted{Wave: 1, Nodes: []string{"each", "helper"}},
		&journal.TaskStarted{Wave: 1, Node: "each", Item: evil, Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "helper", Attempt: 1},
		&journal.TaskStep{Wave: 1, Node: "helper", Attempt: 1, Step: 1, Mark: true, Name: agent.ToolStep + evil},
	))
	tame("during a call", m.view())
	tame("printed", show(m,
		&journal.TaskWaiting{Wave: 1, Node: "helper", Attempt: 1, Calls: []journal.Call{{ID: evil, Tool: evil, Args: map[string]any{evil: evil}}}},
		&journal.TaskFinished{Wave: 1, Node: "each", Item: evil, Attempt: 1, Error: failure},
	))
	tame("while it runs", m.view())
	tame("at the end", show(m,
		&journal.CycleFinished{Waves: 1, NodeRuns: 2, Failed: true},
		&journal.StackFinished{Status: journal.Failed, Reason: evil},
	))
	if text := strings.Join(m.view(), "\n"); !strings.Contains(text, "helper") {
		t.Errorf("the view has no task: %s", text)
	}
}
