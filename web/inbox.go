package web

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// shownEvents bounds the events that an inbox shows, the newest.
const shownEvents = 50

// letter is an event that was accepted and that no cycle has applied yet.
type letter struct {
	Event   string
	At      time.Time
	Payload any
	Queued  bool // it is kept until a wait takes it
}

// inbox is what has come in for a stack, and what may come.
type inbox struct {
	Count   int // of events that the next cycle applies
	Letters []letter
	Queued  map[string]int // payloads that no wait has taken yet, by event
	Events  []eventForm
}

// eventForm is an event that may be sent.
type eventForm struct{ Name, Type string }

// inboxOf reads what has come in since the last cycle began.
func (v *visit) inboxOf(id string, cur *journal.Cursor, queued map[string]int) (inbox, error) {
	in := inbox{Count: cur.Inbox, Queued: queued}
	g, err := v.definition(cur.Hash)
	if err != nil {
		return in, err
	}
	for i := range g.Events {
		form := eventForm{Name: g.Events[i].Name}
		if t := g.Events[i].Type; t != nil {
			form.Type = t.String()
		}
		in.Events = append(in.Events, form)
	}
	want := journal.Want{From: cur.CycleSeq + 1, Types: []string{"event.received"}, Bulk: true}
	err = v.o.Store.Records(v.r.Context(), id, want, func(r journal.Record) error {
		if b, ok := r.Body.(*journal.EventReceived); ok && !b.Queued {
			in.Letters = append(in.Letters, letter{b.Event, r.Time, b.Payload, b.Queued})
		}
		return nil
	})
	if n := min(in.Count, shownEvents); len(in.Letters) > n {
		in.Letters = in.Letters[len(in.Letters)-n:]
	}
	slices.Reverse(in.Letters)
	return in, err
}
