package main

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
	m := newLiveModel("s", &graph.Graph{})
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
		v.standing(asking())
		<-time.After(3 * tick)
		if got := s.take(); !strings.Contains(got, `? ask: Is it \u001b[31mfine?`) || !strings.Contains(got, "y approves, n rejects (1 of 2 questions)") {
			t.Errorf("the question is not shown: %q", got)
		}
		p.press("xn")
		<-time.After(2 * tick)
		rest := asking()
		rest.Waiting = nil
		v.standing(rest)
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
		v.standing(&journal.Cursor{})
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
