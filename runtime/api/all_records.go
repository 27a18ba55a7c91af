package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// fromNow is ?from= of a reader who wants nothing of the past.
const fromNow = "now"

// allRecords streams the records of all stacks: first those that are kept, one stack after
// the other, and with ?follow=true those that are committed from then on, in the order of
// the commits. ?from=now leaves out the past. The id of a server-sent event is a place in
// that order. A client that comes back with a place which the server does not have any more
// gets an event `gap`, and what is committed from then on.
func (c *call) allRecords() error {
	events := strings.Contains(c.r.Header.Get("Accept"), eventStream)
	kind := jsonLines
	if events {
		kind = eventStream
	}
	a := &allRecords{c: c, graph: c.query["graph"], s: &stream{h: c.Handler, out: newPieces(c.w, kind), events: events, in: c.stillIn}, sent: map[string]uint64{}}
	var err error
	if a.follow, err = c.flag("follow"); err != nil {
		return err
	}
	if a.s.journal, err = c.flag("journal"); err != nil {
		return err
	}
	if err := a.s.wants(c.query); err != nil {
		return err
	}
	from := c.query["from"]
	switch {
	case from != "" && from != fromNow:
		return errorf(CodeUsage, "from %q: expected now, or nothing for all that is kept", from)
	case from == fromNow && !a.follow:
		return errorf(CodeUsage, "from now on there are records with follow only")
	}
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		return errorf(CodeBusy, "there are %d streams already, the most that there may be", maxStreams)
	}
	readAll(c.w)
	last := ""
	if events {
		last = c.r.Header.Get("Last-Event-ID")
	}
	return a.s.out.end(a.run(c.ctx, from == fromNow, last))
}

// allRecords is one reader of the records of all stacks.
type allRecords struct {
	c      *call
	s      *stream
	graph  string // "" means any
	follow bool
	sent   map[string]uint64 // by stack: the last seq of the past, until a commit leads up to it
}

func (a *allRecords) run(ctx context.Context, now bool, last string) error {
	if !a.follow {
		return a.past(ctx)
	}
	t := &a.c.tape
	defer t.join()()
	at := t.end()
	if last != "" {
		if known, ok := readSpot(last); ok && t.has(known) {
			at = known
		} else if err := a.gap(); err != nil {
			return err
		}
	}
	if !now && last == "" {
		if err := a.past(ctx); err != nil {
			return err
		}
	}
	if err := a.place(at); err != nil {
		return err
	}
	return a.later(ctx, t, at)
}

// past sends the records that are kept, without places in the order of commits.
func (a *allRecords) past(ctx context.Context) error {
	a.s.mark = func(b []byte, _ uint64) []byte { return b }
	err := a.c.o.Store.Stacks(ctx, func(sum journal.Summary) error {
		id := &sum.Identity
		if sum.Err != nil {
			return nil
		}
		sees, err := a.c.sees(id.Stack, id.Graph, id.Parent != "")
		if err != nil || !sees || a.graph != "" && a.graph != id.Graph {
			return err
		}
		a.sent[id.Stack] = sum.Cursor.Seq
		return a.send(ctx, id.Stack, 0, sum.Cursor.Seq)
	})
	if err != nil {
		return err
	}
	return a.s.out.flush()
}

// later sends what is committed from a place on, until the reader or the server ends.
func (a *allRecords) later(ctx context.Context, t *tape, at spot) error {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	quiet := time.Now()
	for {
		e, news, ok := t.next(at.commit)
		switch {
		case !ok: // it reads more slowly than stacks commit
			at = t.end()
			if err := a.gap(); err != nil {
				return err
			}
		case news == nil:
			quiet = time.Now()
			if err := a.commit(ctx, &e, at); err != nil {
				return err
			}
			at.commit, at.seq = at.commit+1, 0
		default:
			if err := a.s.out.flush(); err != nil {
				return err
			}
			select {
			case <-news:
			case <-again.C:
				if !a.s.in() {
					return nil // its token was revoked meanwhile
				}
				if a.s.events && time.Since(quiet) >= keepAlive {
					quiet = time.Now()
					if err := a.s.out.write([]byte(":\n\n")); err != nil {
						return err
					}
				}
			case <-closing(ctx):
				return nil
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// commit sends the records of a commit, from a place in it on.
func (a *allRecords) commit(ctx context.Context, e *taped, at spot) error {
	if a.graph != "" && a.graph != e.graph {
		return nil
	}
	if a.c.who.Graph != "" {
		if sees, err := a.c.seesStack(e.stack); err != nil || !sees {
			return err
		}
	}
	a.s.mark = func(b []byte, seq uint64) []byte { return appendSpot(b, spot{at.tape, at.commit, seq}) }
	from := max(e.from, a.sent[e.stack]+1, at.seq+1)
	if e.to >= a.sent[e.stack] {
		delete(a.sent, e.stack)
	}
	return a.send(ctx, e.stack, from, e.to)
}

// send sends the records of a stack from one to another, as far as they are kept.
func (a *allRecords) send(ctx context.Context, stack string, from, to uint64) error {
	if from > to {
		return nil
	}
	want := a.s.want
	want.From, want.To = from, to
	err := a.c.o.Store.Records(ctx, stack, want, func(r journal.Record) error {
		a.s.buf = a.s.frame(a.s.buf[:0], r)
		return a.s.out.write(a.s.buf)
	})
	if errors.Is(err, runtime.ErrNotFound) { // it was removed meanwhile
		return nil
	}
	return err
}

// gap says that records are missing. Lines cannot say so: they end, without their end.
func (a *allRecords) gap() error {
	if !a.s.events {
		return errorf(CodeBusy, "the client reads more slowly than stacks commit")
	}
	return a.s.out.write([]byte("event: gap\ndata: {}\n\n"))
}

// place tells a client that reads events where it is, before there is a record.
func (a *allRecords) place(at spot) error {
	if !a.s.events {
		return a.s.out.flush()
	}
	if err := a.s.out.write(append(appendSpot([]byte("id: "), at), "\n\n"...)); err != nil {
		return err
	}
	return a.s.out.flush()
}

func appendSpot(b []byte, at spot) []byte {
	return fmt.Appendf(b, "%s-%d-%d", at.tape, at.commit, at.seq)
}

// readSpot reads what appendSpot wrote.
func readSpot(text string) (at spot, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return at, false
	}
	at.tape = parts[0]
	var err1, err2 error
	at.commit, err1 = strconv.ParseUint(parts[1], 10, 64)
	at.seq, err2 = strconv.ParseUint(parts[2], 10, 64)
	return at, err1 == nil && err2 == nil && at.commit > 0
}
