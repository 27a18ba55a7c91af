package api

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

const (
	eventStream = "text/event-stream"
	jsonLines   = "application/jsonl"

	// lookAgain is how often a stream looks for records of a stack that this
	// engine does not drive at the moment; commits of the others tell it.
	lookAgain = time.Second
	// settle is how long a stream waits after a commit for those that follow it at once, as
	// the end of a cycle follows its last wave.
	settle = 20 * time.Millisecond
	// keepAlive is how often a quiet stream of events says that it is there.
	keepAlive = 15 * time.Second
)

// records streams a stack's journal from ?from=SEQ on (default: the first), as JSON
// lines, or as server-sent events where the client asks for them; these are
// resumable by Last-Event-ID, which is the record's seq. With ?follow=true the
// stream continues until the stack has ended, and server-sent events also have what
// models say meanwhile (Delta). ?journal=true adds what only the
// store keeps: outputs, payloads, initial state. ?to=SEQ, ?last=CYCLES and
// ?types=TYPE,… narrow down what is read.
func (c *call) records() error {
	events := strings.Contains(c.r.Header.Get("Accept"), eventStream)
	kind := jsonLines
	if events {
		kind = eventStream
	}
	s := &stream{h: c.Handler, id: c.stack(), out: newPieces(c.w, kind), events: events, mark: appendSeq, in: c.stillIn}
	from := c.query["from"]
	last := c.r.Header.Get("Last-Event-ID")
	if events && last != "" {
		from = last
	}
	var err error
	if from != "" {
		if s.next, err = strconv.ParseUint(from, 10, 64); err != nil {
			return errorf(CodeUsage, "from %q: expected the seq of a record", from)
		}
		if events && last != "" {
			s.next++ // what the client has seen is not sent again
		}
	}
	follow, err := c.flag("follow")
	if err != nil {
		return err
	}
	if s.journal, err = c.flag("journal"); err != nil {
		return err
	}
	if err := s.wants(c.query); err != nil {
		return err
	}
	if follow && (s.want.To > 0 || s.want.Last > 0 || s.want.Types != nil) {
		return errorf(CodeUsage, "follow goes with all records: give it without to, last and types")
	}
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		return errorf(CodeBusy, "there are %d streams already, the most that there may be", maxStreams)
	}
	readAll(c.w)
	return s.out.end(s.run(c.ctx, follow))
}

// wants reads from the query what of the records is wanted. What only the store
// keeps is large; ?bulk=false leaves outputs and payloads out.
func (s *stream) wants(q map[string]string) (err error) {
	s.want.Bulk = s.journal && q["bulk"] != "false"
	if to := q["to"]; to != "" {
		if s.want.To, err = strconv.ParseUint(to, 10, 64); err != nil {
			return errorf(CodeUsage, "to %q: expected the seq of a record", to)
		}
	}
	if last := q["last"]; last != "" {
		if s.want.Last, err = strconv.Atoi(last); err != nil || s.want.Last < 1 {
			return errorf(CodeUsage, "last %q: expected how many cycles, 1 or more", last)
		}
	}
	if types := q["types"]; types != "" {
		s.want.Types = strings.Split(types, ",")
	}
	return nil
}

// stream is one reader of one journal. The store is what it reads, so nothing can be missed or
// sent before it is durable. Records that were just committed are as the store has them.
type stream struct {
	h       *Handler
	id      string
	out     *pieces
	events  bool
	journal bool
	in      func() bool // whether whoever reads may still do so

	want  journal.Want
	mark  func(b []byte, seq uint64) []byte // appends the id of an event, or nothing: then nobody can come back to it
	next  uint64                            // seq
	ended bool
	buf   []byte

	fresh fresh
	shown map[speech]int // bytes of text that were shown of an attempt
}

func (s *stream) run(ctx context.Context, follow bool) error {
	news, said := make(chan struct{}, 1), make(chan feed.Delta)
	engine, watched := s.h.engine.(Watchable)
	if watched && follow && s.events {
		over := make(chan struct{})
		defer engine.Feed().OnDelta(s.id, func(d feed.Delta) {
			select {
			case said <- d:
			case <-over:
			}
		})()
		defer close(over)
	}
	if watched && follow {
		defer engine.Feed().OnCommit(s.id, func(c feed.Commit) {
			s.fresh.add(c.Records)
			select {
			case news <- struct{}{}:
			default:
			}
		})()
	}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	quiet := time.Now()
	looks := true
	for {
		sent := s.next
		if err := s.send(ctx, looks); err != nil {
			return err
		}
		looks = true
		if !follow || s.ended {
			return nil
		}
		if s.next != sent {
			quiet = time.Now()
		} else if s.events && time.Since(quiet) >= keepAlive {
			if err := s.out.write([]byte(":\n\n")); err != nil {
				return err
			}
			quiet = time.Now()
		}
		select {
		case <-news:
			select { // what follows at once goes along
			case <-time.After(settle):
			case <-ctx.Done():
			}
		case d := <-said:
			if err := s.send(ctx, true); err != nil { // what was recorded before it was said
				return err
			}
			s.buf = s.delta(s.buf[:0], &d, "")
			if err := s.out.write(s.buf); err != nil {
				return err
			}
			quiet = time.Now()
		case <-again.C:
			if !s.in() {
				return nil // its token was revoked meanwhile
			}
			looks = !watched || !engine.Drives(s.id) // else it hears of the commits
		case <-closing(ctx):
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// send writes the records that are there. Without looks it does
// not look in the store, unless it has missed something. The first look also says whether the stack exists, before the answer begins.
func (s *stream) send(ctx context.Context, looks bool) error {
	records, whole := s.fresh.take()
	if !s.journal && s.out.begun && whole && len(records) > 0 && records[0].Seq <= s.next {
		s.buf = s.buf[:0]
		for _, r := range records {
			if r.Seq >= s.next {
				s.next = r.Seq + 1
				_, s.ended = r.Body.(*journal.StackFinished)
				s.buf = s.frame(s.buf, r)
			}
		}
		if len(s.buf) > 0 {
			if err := s.out.write(s.buf); err != nil {
				return err
			}
		}
		return s.out.flush()
	}
	if !looks && whole && len(records) == 0 {
		return nil
	}
	s.want.From = s.next
	err := s.h.o.Store.Records(ctx, s.id, s.want, func(r journal.Record) error {
		s.next = r.Seq + 1
		_, s.ended = r.Body.(*journal.StackFinished)
		s.buf = s.frame(s.buf[:0], r)
		return s.out.write(s.buf)
	})
	if err != nil {
		return err
	}
	if s.next > 1 && !s.ended && !s.out.begun {
		// A stream that begins behind the last record of an ended stack.
		sum, err := s.h.o.Store.Stack(ctx, s.id)
		if err != nil {
			return err
		}
		s.ended = sum.Cursor.Status.Ended() && sum.Cursor.Seq < s.next
	}
	return s.out.flush()
}

// mostFresh bounds the records that wait for a stream in memory.
const mostFresh = 256

// fresh are records that a stack has just committed, one after the other.
type fresh struct {
	mu      sync.Mutex
	records []journal.Record
	gap     bool // there were more
}

func (f *fresh) add(records []journal.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gap = f.gap || len(f.records)+len(records) > mostFresh; f.gap {
		f.records = nil
		return
	}
	f.records = append(f.records, records...)
}

// take removes the records; whole says that there were no more.
func (f *fresh) take() (records []journal.Record, whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	records, whole = f.records, !f.gap
	f.records, f.gap = nil, false
	return records, whole
}

// appendSeq marks the records of one stack.
func appendSeq(b []byte, seq uint64) []byte { return strconv.AppendUint(b, seq, 10) }

func (s *stream) frame(b []byte, r journal.Record) []byte {
	if !s.events {
		return append(journal.AppendRecord(b, r, s.journal), '\n')
	}
	const id = "id: "
	before := len(b)
	if b = s.mark(append(b, id...), r.Seq); len(b) > before+len(id) {
		b = append(b, '\n')
	} else {
		b = b[:before]
	}
	b = append(b, "event: "...)
	b = append(b, r.Body.Type()...)
	b = append(b, "\ndata: "...)
	return append(journal.AppendRecord(b, r, s.journal), "\n\n"...)
}
