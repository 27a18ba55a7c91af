package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// event is a server-sent event, or the place of one.
type event struct{ id, kind, data string }

// reader reads a stream of events.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
	end   func()
}

func readEvents(t *testing.T, url, last string) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Accept", "text/event-stream")
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t, bufio.NewScanner(resp.Body), func() { cancel(); _ = resp.Body.Close() }}
	t.Cleanup(r.end)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	return r
}

// next is the next event with an id or with data.
func (r *reader) next() (e event) {
	r.t.Helper()
	for r.lines.Scan() {
		line := r.lines.Text()
		if line == "" && e != (event{}) {
			return e
		}
		name, text, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			e.id = text
		case "event":
			e.kind = text
		case "data":
			e.data = text
		}
	}
	r.t.Fatalf("the stream ended: %v", r.lines.Err())
	return e
}

// place names the record of an event.
func (e event) place() string {
	var r struct {
		Stack string
		Seq   uint64
	}
	_ = json.Unmarshal([]byte(e.data), &r) // what is no record has no place
	return fmt.Sprint(r.Stack, " ", r.Seq)
}

// TestAllRecords: what is kept of all stacks, and then what they commit; nothing is missing
// and nothing comes twice, also for a client that comes back.
func TestAllRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	server := httptest.NewServer(r.handler(api.Door{Token: secret}))
	t.Cleanup(server.Close)
	g := counter(t)
	send := func(stack string) {
		t.Helper()
		if _, err := r.rt.Send(t.Context(), runtime.Send{Stack: stack, Event: "seen", Payload: []any{"x"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"b", "a"} {
		if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: id, Rest: true}); err != nil {
			t.Fatal(err)
		}
		send(id)
	}
	follow := readEvents(t, server.URL+"/v1/records?follow", "")
	var past []string
	for range 4 {
		e := follow.next()
		past = append(past, e.place())
		if e.id != "" {
			t.Errorf("%v: a record of the past has a place in the order of commits", e)
		}
	}
	if diff := cmp.Diff([]string{"a 1", "a 2", "b 1", "b 2"}, past); diff != "" {
		t.Error(diff)
	}
	if e := follow.next(); e.id == "" || e.kind != "" {
		t.Errorf("%v: expected the place alone", e)
	}
	now := readEvents(t, server.URL+"/v1/records?follow&from=now", "")
	if e := now.next(); e.id == "" || e.kind != "" {
		t.Errorf("%v: expected the place alone", e)
	}
	send("b")
	send("a")
	for _, s := range []*reader{follow, now} {
		e := s.next()
		if e.place() != "b 3" || e.kind != "event.received" {
			t.Errorf("%v", e)
		}
		s.end()
		s = readEvents(t, server.URL+"/v1/records?follow", e.id)
		if again := s.next(); again.id != e.id {
			t.Errorf("it continues at %v, not at %v", again, e)
		}
		send("a")
		for _, want := range []string{"a 3", "a 4"} {
			if e := s.next(); e.place() != want {
				t.Errorf("%v, want %s", e, want)
			}
		}
	}
	lost := readEvents(t, server.URL+"/v1/records?follow&from=now", "OTHER-7-1")
	if e := lost.next(); e.kind != "gap" {
		t.Errorf("%v: expected a gap", e)
	}
	w := ask(r.handler(api.Door{Trusted: true}), "GET", "/v1/records?graph=counter&types=stack.started", "")
	if n := strings.Count(w.Body.String(), "\n"); w.Code != http.StatusOK || n != 2 {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	for _, query := range []string{"from=3", "from=now", "follow=1"} {
		if w := ask(r.handler(api.Door{Trusted: true}), "GET", "/v1/records?"+query, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}
