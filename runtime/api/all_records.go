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
	"github.com/graphrun/graphrun/runtime/feed"
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
	if a.follow {
		if a.live, err = can[Watchable](c, "follow all stacks"); err != nil {
			return err
		}
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
	live   Watchable         // nil unless it follows
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
	said, stop := a.listen() // what is said after the place is known is heard
	defer stop()
	if err := a.place(at); err != nil {
		return err
	}
	return a.later(ctx, t, at, said)
}

// listen has what models say arrive in a channel until stop is called, of a stream of events.
func (a *allRecords) listen() (said chan feed.Delta, stop func()) {
	said = make(chan feed.Delta, heldDeltas)
	if !a.s.events || a.s.want.Types != nil {
		return said, func() {}
	}
	over := make(chan struct{})
	end := a.live.Feed().OnDelta("", func(d feed.Delta) {
		select {
		case said <- d:
		case <-over:
		}
	})
	return said, func() {
		close(over)
		end()
	}
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
	if len(a.s.buf) > 0 {
		if err := a.s.out.write(a.s.buf); err != nil {
			return err
		}
	}
	return a.s.out.flush()
}

const (
	// gather is how long a stream of all records rests after what it has sent: what is
	// committed meanwhile goes out together.
	gather = 200 * time.Millisecond
	// manyBytes is how much it writes at a time.
	manyBytes = 64 << 10
	// heldDeltas bounds the deltas that wait for it.
	heldDeltas = 16
)

// later sends what is committed from a place on, and with events what models say, until the
// reader or the server ends.
func (a *allRecords) later(ctx context.Context, t *tape, at spot, said <-chan feed.Delta) error {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	quiet := time.Now()
	var heard []feed.Delta
	for {
		for more := true; more && len(heard) < heldDeltas; { // before the records: those that they follow are there
			select {
			case d := <-said:
				heard = append(heard, d)
			default:
				more = false
			}
		}
		sent, news, err := a.catchUp(ctx, t, &at)
		if err == nil && len(heard) > 0 {
			sent, err = true, a.deltas(heard)
			heard = heard[:0]
		}
		if err == nil {
			err = a.s.out.flush()
		}
		if err != nil {
			return err
		}
		var rested <-chan time.Time
		hears := said
		if sent {
			quiet, news, hears, rested = time.Now(), nil, nil, time.After(gather)
		}
		for waits := true; waits; {
			select {
			case <-news:
				waits = false
			case <-rested:
				waits = false
			case d := <-hears:
				heard, waits = append(heard, d), false
			case <-again.C:
				if !a.s.in() {
					return nil // its token was revoked meanwhile
				}
				if a.s.events && time.Since(quiet) >= keepAlive {
					quiet, waits = time.Now(), false
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

// catchUp sends what is on the tape from a place on. sent says whether there was something,
// news is closed when there is more.
func (a *allRecords) catchUp(ctx context.Context, t *tape, at *spot) (sent bool, news <-chan struct{}, err error) {
	a.s.buf = a.s.buf[:0]
	for {
		e, news, ok := t.next(at.commit)
		switch {
		case !ok: // it reads more slowly than stacks commit
			if len(a.s.buf) > 0 {
				if err := a.s.out.write(a.s.buf); err != nil {
					return true, nil, err
				}
			}
			*at = t.end()
			return true, nil, a.gap()
		case news != nil:
			if len(a.s.buf) > 0 {
				err = a.s.out.write(a.s.buf)
			}
			return sent, news, err
		}
		sent = true
		if err := a.commit(ctx, &e, *at); err != nil {
			return true, nil, err
		}
		at.commit, at.seq = at.commit+1, 0
		if len(a.s.buf) >= manyBytes {
			if err := a.s.out.write(a.s.buf); err != nil {
				return true, nil, err
			}
			a.s.buf = a.s.buf[:0]
		}
	}
}

// deltas sends what models have said, as far as the reader sees the stacks.
func (a *allRecords) deltas(heard []feed.Delta) error {
	a.s.buf = a.s.buf[:0]
	for i := range heard {
		d := &heard[i]
		sees, err := a.sees(d.Stack, d.Graph)
		if err != nil {
			return err
		}
		if sees {
			a.s.buf = a.s.delta(a.s.buf, d, d.Stack)
		}
	}
	if len(a.s.buf) == 0 {
		return nil
	}
	return a.s.out.write(a.s.buf)
}

// sees reports whether the reader wants a stack, and may see it.
func (a *allRecords) sees(stack, graph string) (bool, error) {
	if a.graph != "" && a.graph != graph {
		return false, nil
	}
	if a.c.who.Graph == "" {
		return true, nil
	}
	return a.c.seesStack(stack)
}

// commit adds the records of a commit to what is written next, from a place in it on.
func (a *allRecords) commit(ctx context.Context, e *taped, at spot) error {
	if sees, err := a.sees(e.stack, e.graph); err != nil || !sees {
		return err
	}
	a.s.mark = func(b []byte, seq uint64) []byte { return appendSpot(b, spot{at.tape, at.commit, seq}) }
	from := max(e.from, a.sent[e.stack]+1, at.seq+1)
	if e.to >= a.sent[e.stack] {
		delete(a.sent, e.stack)
	}
	if e.text != nil && from == e.from && a.s.events && !a.s.journal && a.s.want.Types == nil {
		a.s.buf = append(a.s.buf, e.text...) // as it is for all
		return nil
	}
	return a.send(ctx, e.stack, from, e.to)
}

// send adds the records of a stack from one to another to what is written next, as far as
// they are kept.
func (a *allRecords) send(ctx context.Context, stack string, from, to uint64) error {
	if from > to {
		return nil
	}
	want := a.s.want
	want.From, want.To = from, to
	err := a.c.o.Store.Records(ctx, stack, want, func(r journal.Record) error {
		if a.s.buf = a.s.frame(a.s.buf, r); len(a.s.buf) < manyBytes {
			return nil
		}
		err := a.s.out.write(a.s.buf)
		a.s.buf = a.s.buf[:0]
		return err
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
