package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// Notices say to the hooks of a graph, and to those of the driver, what happened to a stack.
// They are left in the outbox with the commit of what they say, as the messages of nodes are,
// and stay there until the driver has delivered them. The records know nothing of them, and a
// replay makes none.

// MaxNotices is how many notices a stack keeps that are not delivered yet. While there are as
// many, only its end is noted.
const MaxNotices = 1000

// NoticeFor is how long delivery of a notice is tried.
const NoticeFor = 24 * time.Hour

// Hook is whom a message is for that is a notice.
type Hook struct {
	URL    string
	Secret string // name of the secret that it is signed with
	Event  string // of graph.HookEvents
	At     time.Time
}

// Around is where a stack is that does the work of another one's task.
type Around struct {
	Stack, Graph string        // the outermost stack, as commands name it
	Place        journal.Place // there, of the node whose work the stack does
	Hooks        []graph.Hook  // of the graphs around it, the innermost first
}

// notify leaves a notice for each hook that wants it. more are its members beside those that
// every notice has.
func (m *Machine) notify(event string, more map[string]any) {
	if !m.o.Notices || m.pace != nil || m.restoring {
		return
	}
	if m.id.Parent != "" && event != graph.OnNodeWaiting {
		return // it is a part of another stack, which ends by itself
	}
	hooks, out := slices.Concat(m.g.Hooks, m.o.Hooks), Around{}
	own := len(hooks)
	if m.id.Parent != "" && m.o.Around != nil {
		out = m.o.Around()
		hooks = append(hooks, out.Hooks...)
	}
	for k := range hooks {
		h := &hooks[k]
		if !h.Wants(event) || m.notices() >= MaxNotices && event != graph.OnStackEnded {
			continue
		}
		if slices.ContainsFunc(hooks[max(k+1, own):], func(o graph.Hook) bool { return o.URL == h.URL && o.Secret == h.Secret && o.Wants(event) }) {
			continue // a graph further out tells the same address
		}
		body := map[string]any{"type": event, "stack": m.id.Stack, "graph": m.id.Graph, "cycle": int64(m.cur.Cycle), "time": m.at.UTC().Format(time.RFC3339Nano)}
		for name, v := range more { // in any order: a body has its keys sorted
			body[name] = v
		}
		if k >= own {
			out.name(body, m.id.Stack)
		}
		sum := sha256.Sum256(value.Append(nil, []any{m.id.TaskKey(journal.TaskKey{}), int64(m.cur.Seq), int64(k), body}))
		msg := Message{
			ID:      hex.EncodeToString(sum[:16]),
			Payload: body, Hook: &Hook{URL: h.URL, Secret: h.Secret, Event: event, At: m.at},
		}
		body["id"] = msg.ID
		m.put(m.outbox, msg.stored(), 0)
		m.cur.Outbox, m.out.moved = len(m.outbox.list), true
		m.out.send = append(m.out.send, msg)
	}
}

// name names what a notice of a stack is about as the outermost stack does.
func (out *Around) name(body map[string]any, inner string) {
	at, _ := body["path"].(string)
	if body["stack"], body["graph"] = out.Stack, out.Graph; len(out.Place) > 0 { // else it does the work of a call
		body["child"] = inner
	}
	for _, s := range slices.Backward(out.Place) {
		at = s.Within(at)
	}
	body["path"] = at
}

// notices counts those that are not delivered yet.
func (m *Machine) notices() (n int) {
	for _, e := range m.outbox.list {
		if fields, _ := e.(map[string]any); fields["hook"] != nil {
			n++
		}
	}
	return n
}

// notice leaves the notices that follow from a record that was just emitted.
func (m *Machine) notice(b journal.Body) {
	switch b := b.(type) {
	case *journal.StackFinished:
		m.notify(graph.OnStackEnded, map[string]any{"status": string(b.Status), "reason": b.Reason})
	case *journal.CycleFinished:
		if b.Failed && m.cur.Finally == nil {
			m.notify(graph.OnCycleFailed, map[string]any{"failed_in_row": int64(m.cur.FailedInRow)})
		}
	case *journal.TaskWaiting:
		for k := range m.cur.Asking {
			if w := &m.cur.Asking[k]; w.Node == b.Node && w.Item == b.Item && len(w.Calls) > 0 {
				m.noticeWaiting(w)
			}
		}
	}
}

// noticeWaiting says that a node waits for a person.
func (m *Machine) noticeWaiting(w *journal.Waiting) {
	if len(w.Calls) == 0 && w.Kind != "approval" {
		return
	}
	more := map[string]any{"node": w.Node, "path": w.Place(), "question": w.ID(), "prompt": w.Prompt()}
	if w.Item != "" {
		more["item"] = w.Item
	}
	if len(w.Calls) > 0 {
		var calls []any
		for _, c := range w.Calls {
			calls = append(calls, map[string]any{"id": c.ID, "tool": c.Tool})
		}
		more["calls"] = calls
	}
	m.notify(graph.OnNodeWaiting, more)
}

// noticeBudget says that what models used ends the stack.
func (m *Machine) noticeBudget(end *journal.Outcome) {
	limit, _, is := strings.Cut(end.Reason, " limit of ")
	if is && end.Status == journal.Failed && (limit == "tokens" || limit == "cost") {
		m.notify(graph.OnBudgetReached, map[string]any{"limit": limit, "reason": end.Reason,
			"tokens": m.cur.Counts.Tokens, "cost": m.cur.Counts.Cost})
	}
}

// hookOf reads whom a stored message is for; nil for one that is for a stack.
func hookOf(stored map[string]any) *Hook {
	fields, ok := stored["hook"].(map[string]any)
	if !ok {
		return nil
	}
	h := &Hook{}
	h.URL, _ = fields["url"].(string)
	h.Secret, _ = fields["secret"].(string)
	h.Event, _ = fields["event"].(string)
	at, _ := fields["at"].(string)
	h.At, _ = time.Parse(time.RFC3339Nano, at) // the zero time gives it up
	return h
}

func (h *Hook) stored() map[string]any {
	return map[string]any{"url": h.URL, "secret": h.Secret, "event": h.Event, "at": h.At.UTC().Format(time.RFC3339Nano)}
}
