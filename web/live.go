package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

// between is the least time between two words about changes, and quiet how often a
// stream without changes says that it is there.
const (
	between = 250 * time.Millisecond
	quiet   = 15 * time.Second
)

// version names what has been committed so far. A page has the version that it was made
// at, and a stream begins with that of now: so a page finds out what it missed while
// no stream was open, whatever it was.
func (h *Handler) version() string { return h.versionAt(h.news.Load()) }

func (h *Handler) versionAt(news uint64) string { return h.began + "-" + strconv.FormatUint(news, 10) }

// live is a stream of server-sent events: `version` when something was committed, of a
// stack with ?stack=ID, else of any.
func (v *visit) live() error {
	stack := v.r.URL.Query().Get("stack")
	if stack != "" {
		if _, err := v.api.Status(v.r.Context(), stack); err != nil {
			return err
		}
	}
	said := make(chan feed.Delta)
	if stack != "" {
		over := make(chan struct{})
		defer v.o.Feed.OnDelta(stack, func(d feed.Delta) {
			select {
			case said <- d:
			case <-over:
			}
		})()
		defer close(over)
	}
	control := http.NewResponseController(v.w)
	_ = control.SetReadDeadline(time.Time{}) // the request is read, and the stream stays open
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.WriteHeader(http.StatusOK)
	say := func(text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
		_, err := fmt.Fprint(v.w, text)
		return err == nil && control.Flush() == nil
	}
	alive := time.NewTicker(quiet)
	defer alive.Stop()
	seen := v.news.Load()
	if !say("retry: 1000\nevent: version\ndata: " + v.versionAt(seen) + "\n\n") {
		return nil
	}
	// What is said goes out at once; words about commits rest in between. A stack shows what
	// the stacks within it do, so the commits of all count.
	var rested <-chan time.Time
	for {
		var told <-chan struct{}
		if rested == nil {
			told = v.more.next()
			if news := v.news.Load(); news != seen {
				if seen = news; !say("event: version\ndata: " + v.versionAt(seen) + "\n\n") {
					return nil
				}
				rested, told = time.After(between), nil
			}
		}
		select {
		case <-told:
		case <-rested:
			rested = nil
		case d := <-said:
			data, err := json.Marshal(piece{journal.Spot{Node: d.Task.Node, Item: d.Task.Item}.String(), d.Attempt, d.Offset, len(d.Text), d.Text})
			if err != nil || !say("event: said\ndata: "+string(data)+"\n\n") {
				return nil // texts and numbers
			}
		case <-alive.C:
			if _, ok := v.o.API.Principal(v.token); !ok || !say(":\n\n") { // the token may have been taken back
				return nil
			}
		case <-v.o.Closing:
			return nil
		case <-v.r.Context().Done():
			return nil
		}
	}
}

// piece is a piece of text that a model has just said. Offset and Length are in bytes.
type piece struct {
	Task    string `json:"task"`
	Attempt int    `json:"attempt"`
	Offset  int    `json:"offset"`
	Length  int    `json:"length"`
	Text    string `json:"text"`
}

// broadcast tells any number of listeners that something has happened. Nobody is called:
// those who listen wait for a channel.
type broadcast struct {
	mu   sync.Mutex
	more chan struct{} // nil while nobody waits
}

// next is closed when something happens from now on.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more == nil {
		b.more = make(chan struct{})
	}
	return b.more
}

func (b *broadcast) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
}
