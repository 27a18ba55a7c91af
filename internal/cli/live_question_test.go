package cli

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// TestLiveCounts: how many elements there are comes from the engine, with what ended before.
func TestLiveCounts(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	failure := &journal.Failure{Kind: "exit", Message: "no"}
	show(m,
		&journal.TaskStarted{Wave: 1, Node: "each", Item: "x", Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "each", Item: "y", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "each", Item: "x", Attempt: 1, Error: failure},
		&journal.TaskStarted{Wave: 1, Node: "alone", Attempt: 1},
	)
	if !m.counts() {
		t.Error("it does not ask how many elements there are")
	}
	m.count(map[string]progress{"each": {of: 500, done: 67, failed: 1}, "alone": {done: 3}, "other": {of: 2}})
	if m.counts() {
		t.Error("it asks again")
	}
	text := strings.Join(m.view(), "\n")
	if !strings.Contains(text, "67 of 500 done, 1 failed, 1 running") || strings.Contains(text, "3 done") {
		t.Errorf("the table is\n%s", text)
	}
}

// pressing is a keyboard on which keys are pressed one after the other.
type pressing struct {
	mu     sync.Mutex
	keys   []byte
	rested bool
}

func (p *pressing) press(keys string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, keys...)
}

func (p *pressing) pressed() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rested = false
	got := p.keys
	p.keys = nil
	return got
}

func (p *pressing) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rested = true
}

// TestLiveAnswers: a question is shown, a key answers the first one and no other, and keys
// from before a question was there do not count.
func TestLiveAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := &screen{}, &pressing{}
		v := liveOn(s)
		v.keys = p
		v.model.answers = true
		var given []string // written and read with the lock of the keyboard
		refuse := errors.New("somebody was faster")
		v.attach(door{answer: func(q question, approved bool) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			given = append(given, q.node+q.item+q.call+map[bool]string{true: " yes", false: " no"}[approved])
			if q.call != "" {
				return refuse
			}
			return nil
		}})
		v.begin()
		p.press("yyy")
		v.standing(questionsOf(asking()))
		<-time.After(3 * tick)
		if got := s.take(); !strings.Contains(got, `? ask: Is it \u001b[31mfine?`) || !strings.Contains(got, "y approves, n rejects (1 of 2 questions)") {
			t.Errorf("the question is not shown: %q", got)
		}
		p.press("xn")
		<-time.After(2 * tick)
		rest := asking()
		rest.Waiting = nil
		v.standing(questionsOf(rest))
		p.press("y") // meant for the question before
		<-time.After(2 * tick)
		p.press("y")
		<-time.After(2 * tick)
		p.mu.Lock()
		diff := cmp.Diff([]string{"ask no", "helpera bc1 yes"}, given)
		p.mu.Unlock()
		if diff != "" {
			t.Errorf("answers (-want +got)\n%s", diff)
		}
		if got := s.take(); !strings.Contains(got, "not answered: somebody was faster") {
			t.Errorf("the refusal is not shown: %q", got)
		}
		v.standing(nil)
		<-time.After(2 * tick)
		synctest.Wait()
		p.mu.Lock()
		rested := p.rested
		p.mu.Unlock()
		if got := s.take(); !rested || strings.Contains(got, "? ") {
			t.Errorf("it listens without a question: %q", got)
		}
		v.close()
	})
}

// TestLiveAsksWithin: a question of a stack within is shown with its path and its command, its
// node says that it waits, and a key answers it there.
func TestLiveAsksWithin(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{db: "x.db"}, "s", &graph.Graph{})
	m.answers = true
	show(m, &journal.CycleStarted{}, &journal.TaskStarted{Wave: 1, Node: "check", Attempt: 1},
		&journal.TaskWaiting{Wave: 1, Node: "check", Attempt: 1}, &journal.TaskHeld{Wave: 1, Node: "check", Attempt: 1})
	if text := strings.Join(m.view(), "\n"); !strings.Contains(text, "· check  waits, 1s") {
		t.Errorf("before the question:\n%s", text)
	}
	want := []string{`check/ask[a]: Is \u001b[31mit?`, "  graphrun approve s 'check/ask[a]' --db x.db"}
	if diff := cmp.Diff(want, m.standing([]question{inner("a")})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if again := m.standing([]question{inner("a")}); again != nil {
		t.Errorf("it is shown again: %q", again)
	}
	want = []string{"  · check  waits for an answer, 1s", `? check/ask[a]: Is \u001b[31mit?`, "  y approves, n rejects", "⠋ s cycle 1, wave 1"}
	if diff := cmp.Diff(want, m.view()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	m.standing(nil)
	if text := strings.Join(m.view(), "\n"); strings.Contains(text, "?") {
		t.Errorf("after the answer:\n%s", text)
	}
}

// TestLiveFolds: of idle cycles in a row the first has its line, and the others have one together.
func TestLiveFolds(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	var printed []string
	add := func(cycle uint64, bodies ...journal.Body) {
		for _, b := range bodies {
			printed = append(printed, m.record(journal.Record{Stack: "s", Cycle: cycle, Time: viewStart, Body: b})...)
		}
	}
	for cycle := range uint64(4) {
		add(cycle+1, &journal.CycleStarted{}, &journal.CycleFinished{Pause: time.Second})
	}
	m.now = viewStart
	if diff := cmp.Diff([]string{"⠋ s cycle 4 done, next in 1s"}, m.view()); diff != "" {
		t.Errorf("in the pause (-want +got)\n%s", diff)
	}
	add(5, &journal.CycleStarted{}, &journal.WaveStarted{Wave: 1, Nodes: []string{"a"}}, &journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1},
		&journal.TaskFinished{Wave: 1, Node: "a", Attempt: 1}, &journal.CycleFinished{Waves: 1, NodeRuns: 1, Active: true})
	add(6, &journal.CycleStarted{}, &journal.CycleFinished{})
	add(7, &journal.CycleStarted{}, &journal.CycleFinished{})
	printed = append(printed, m.left()...)
	want := []string{
		"cycle 1 finished: 0 waves, 0 node runs; pause 1s", "cycles 2 to 4: nothing ran",
		"  ✓ a  0s", "cycle 5 finished: 1 wave, 1 node run",
		"cycle 6 finished: 0 waves, 0 node runs", "cycle 7: nothing ran",
	}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
