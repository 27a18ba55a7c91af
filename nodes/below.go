package nodes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/late"
)

// A tool may be work that records steps and asks for words itself, as an agent. What it
// records is in the steps of the task that called it, below its call: their names begin
// with `tool:NAME#NUMBER/`, and the ids of the calls that it asks about with
// `NAME#NUMBER/`. The work of a call sees only what is below it, without that beginning.

var (
	belowStep = late.Regexp(`^tool:[^/#]+#[0-9]+/`)
	belowCall = late.Regexp(`^[^/#]+#[0-9]+/`)
)

// Below splits the name of a recorded step into the numbers of the calls that it is below,
// as in "2.1", "" for a step of the task itself, and its name there.
func Below(step string) (numbers, name string) {
	for at := belowStep().FindString(step); at != ""; at = belowStep().FindString(step) {
		if numbers != "" {
			numbers += "."
		}
		numbers += at[strings.LastIndexByte(at, '#')+1 : len(at)-1]
		step = step[len(at):]
	}
	return numbers, step
}

// below is what a task has below its calls. It is safe for concurrent use.
type below struct {
	mu    sync.Mutex
	steps map[string][]StepRecord // by the beginning of their names
	words map[string][]Word
}

// split takes out of a task what is below its calls.
func split(t *Task) *below {
	b := &below{steps: map[string][]StepRecord{}, words: map[string][]Word{}}
	var steps []StepRecord
	for _, s := range t.Steps {
		if at := belowStep().FindString(s.Name); at != "" {
			s.Name = s.Name[len(at):]
			b.steps[at] = append(b.steps[at], s)
			continue
		}
		steps = append(steps, s)
	}
	var words []Word
	for _, w := range t.Words {
		if at := belowCall().FindString(w.Call); at != "" {
			w.Call = w.Call[len(at):]
			b.words[at] = append(b.words[at], w)
			continue
		}
		words = append(words, w)
	}
	t.Steps, t.Words = steps, words
	return b
}

// scope is what is below one call.
type scope struct {
	below *below
	call  string // beginning of its calls' ids
	steps string // beginning of its steps' names
}

func (b *below) scope(tool string, number int) *scope {
	call := fmt.Sprintf("%s#%d/", tool, number)
	return &scope{b, call, "tool:" + call}
}

// enter makes a task that of the call.
func (s *scope) enter(t *Task) {
	s.below.mu.Lock()
	t.Steps, t.Words = slices.Clone(s.below.steps[s.steps]), s.below.words[s.call]
	s.below.mu.Unlock()
	if record := t.Record; record != nil {
		t.Record = func(ctx context.Context, r StepRecord) (any, error) {
			whole := r
			whole.Name = s.steps + r.Name
			content, err := record(ctx, whole)
			if err == nil {
				r.Content = content
				s.below.mu.Lock()
				s.below.steps[s.steps] = append(s.below.steps[s.steps], r)
				s.below.mu.Unlock()
			}
			return content, err
		}
	}
	if ask := t.Ask; ask != nil {
		t.Ask = func(ctx context.Context, calls []journal.Call) error {
			own := slices.Clone(calls)
			for i := range own {
				own[i].ID = s.call + own[i].ID
			}
			return ask(ctx, own)
		}
	}
}

// failed forgets the steps of a try whose failure says that they came to something wrong.
func (s *scope) failed(e *Error) {
	if e.Kind != "schema" && e.Kind != "limit" {
		return
	}
	s.below.mu.Lock()
	defer s.below.mu.Unlock()
	all := slices.Clone(s.below.steps[s.steps])
	for i := range all {
		all[i].Void = true
	}
	s.below.steps[s.steps] = all
}

// ownCalls refuses ids that would be taken for those of calls below another one.
func ownCalls(ask func(context.Context, []journal.Call) error) func(context.Context, []journal.Call) error {
	return func(ctx context.Context, calls []journal.Call) error {
		for _, c := range calls {
			if belowCall().MatchString(c.ID) {
				return Permanent(Errorf("config", "the id %q of a call of %s: it may not begin with NAME#NUMBER/", strings.ToValidUTF8(c.ID, "?"), c.Tool))
			}
		}
		return ask(ctx, calls)
	}
}
