package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

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
	news := make(chan struct{}, 1)
	// A stack shows what the stacks within it do, so the commits of all count.
	defer v.o.Feed.OnCommit("", func(feed.Commit) {
		select {
		case news <- struct{}{}:
		default:
		}
	})()
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
	if !say("retry: 1000\nevent: version\ndata: " + v.version() + "\n\n") {
		return nil
	}
	for {
		select {
		case <-news:
			if !say("event: version\ndata: "+v.version()+"\n\n") || !v.rest(between) {
				return nil
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

// rest waits, and reports whether the stream stays open.
func (v *visit) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-v.o.Closing:
	case <-v.r.Context().Done():
	}
	return false
}
