package script

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
)

// Name is the api, and the name of its model wherever a model is named.
const Name = "script"

// Open makes the Model of a file of replies. Mistakes in the file are kind "config",
// with their places.
func Open(c agent.ProviderConfig) (agent.Model, error) {
	m := &model{file: c.File}
	if _, err := m.read(); err != nil {
		return nil, err
	}
	return m, nil
}

// model answers from a file. It reads the file again when it has changed, so that a long
// process sees what its author writes.
type model struct {
	file string

	mu       sync.Mutex
	modified time.Time
	size     int64
	entries  []entry
}

func (m *model) read() ([]entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := os.Stat(m.file)
	if err != nil {
		return nil, unreadable(err)
	}
	if m.entries != nil && info.ModTime().Equal(m.modified) && info.Size() == m.size {
		return m.entries, nil
	}
	entries, err := load(m.file)
	if err != nil {
		return nil, err
	}
	m.entries, m.modified, m.size = entries, info.ModTime(), info.Size()
	return entries, nil
}

// Ask answers with the first entry that holds and is not used up by the task.
func (m *model) Ask(ctx context.Context, q *agent.Request, delta func(string)) (*agent.Response, error) {
	entries, err := m.read()
	if err != nil {
		return nil, err
	}
	env := environment(q)
	for i := range entries {
		e := &entries[i]
		if e.times > 0 && q.Entries[i+1] >= e.times {
			continue
		}
		if e.when != nil {
			env.Reset()
			holds, err := e.when.Holds(env)
			if err != nil {
				return nil, e.failed(err)
			}
			if !holds {
				continue
			}
		}
		return m.answer(ctx, q, e, i+1, delta)
	}
	return nil, &agent.Error{Status: http.StatusNotFound, Message: "no entry of " + m.file + " fits the question: " + shown(q)}
}

// Models lists the model.
func (m *model) Models(context.Context) ([]string, error) {
	_, err := m.read()
	return []string{Name}, err
}

func (m *model) answer(ctx context.Context, q *agent.Request, e *entry, number int, delta func(string)) (*agent.Response, error) {
	if err := say(ctx, e, delta); err != nil {
		return nil, err
	}
	if e.status != 0 {
		return nil, &agent.Error{Status: e.status, Message: e.message, Entry: number}
	}
	msg := agent.Message{Role: "assistant", Content: e.text}
	for _, c := range e.calls {
		msg.Calls = append(msg.Calls, agent.Call{Name: c.name, Args: c.args})
	}
	res := &agent.Response{Message: msg, Stop: agent.StopEnd, Model: Name, Usage: e.usage, Entry: number}
	if e.stop != "" {
		res.Stop = e.stop
	}
	if q.MaxAnswer > 0 && int64(len(e.text)) > q.MaxAnswer {
		return nil, &agent.Error{Limit: true, Message: "the answer is longer than `max_answer` allows", Entry: number}
	}
	return res, nil
}

// say takes the delay of an entry, and shows its text word by word meanwhile.
func say(ctx context.Context, e *entry, delta func(string)) error {
	if delta == nil || e.text == "" || e.status != 0 {
		return pause(ctx, e.delay)
	}
	begun, all := time.Now(), pieces(e.text)
	for i, piece := range all {
		at := time.Duration(float64(e.delay) * float64(i+1) / float64(len(all)))
		if err := pause(ctx, at-time.Since(begun)); err != nil {
			return err
		}
		delta(piece)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pieces cuts a text before each word, as a model would stream it.
func pieces(text string) (out []string) {
	from := 0
	for i := 1; i < len(text); i++ {
		if text[i] == ' ' && text[i-1] != ' ' {
			out = append(out, text[from:i])
			from = i
		}
	}
	return append(out, text[from:])
}

// Slots of the conditions.
const (
	slotModel = iota
	slotNode
	slotTurn
	slotLast
	slotMessages
	numSlots
)

// environment is what conditions see of a question.
func environment(q *agent.Request) *cond.Env {
	messages := make([]any, len(q.Messages))
	for i, m := range q.Messages {
		messages[i] = messageValue(m)
	}
	last := ""
	if n := len(q.Messages); n > 0 {
		last = q.Messages[n-1].Content
	}
	slots := make([]any, numSlots)
	slots[slotModel], slots[slotNode], slots[slotTurn] = q.Model, q.Node, int64(q.Turn)
	slots[slotLast], slots[slotMessages] = last, messages
	return &cond.Env{Slots: slots}
}

func messageValue(m agent.Message) any {
	calls := make([]any, len(m.Calls))
	for i, c := range m.Calls {
		calls[i] = map[string]any{"id": c.ID, "name": c.Name, "args": c.Args}
	}
	v := map[string]any{"role": m.Role, "content": m.Content, "calls": calls}
	if m.Call != "" {
		v["call"] = m.Call
	}
	if m.Name != "" {
		v["name"] = m.Name
	}
	return v
}

// shown is a question in a message.
func shown(q *agent.Request) string {
	last := ""
	if n := len(q.Messages); n > 0 {
		last = q.Messages[n-1].Content
	}
	if len(last) > 200 {
		last = last[:200] + "…"
	}
	return value.String(map[string]any{"model": q.Model, "node": q.Node, "turn": int64(q.Turn), "last": last})
}
