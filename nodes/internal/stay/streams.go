package stay

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// within reports whether an output is no larger than max bytes of compact JSON.
func within(output any, max int64) bool { return int64(value.Size(output)) <= max }

// feed is what a program reads: the lines of the tasks that its process holds.
type feed struct {
	of   *process
	news *sync.Cond // a task came, or the process takes none any more
}

func newFeed(p *process) *feed { return &feed{of: p, news: sync.NewCond(&p.of.of.mu)} }

// next waits for a task that was not sent yet; nil when there are no more.
func (f *feed) next() *job {
	s := f.of.of.of
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if f.of.ending {
			return nil
		}
		for _, j := range f.of.jobs {
			if !j.sent {
				j.sent = true
				return j
			}
		}
		f.news.Wait()
	}
}

// WriteTo is what io.Copy calls.
func (f *feed) WriteTo(w io.Writer) (n int64, err error) {
	for {
		j := f.next()
		if j == nil {
			return n, nil
		}
		m, err := w.Write(j.line)
		n += int64(m)
		if err != nil {
			return n, err // it ends, and its end is seen elsewhere
		}
	}
}

// Read makes a feed an io.Reader, which is all that its user asks for.
func (f *feed) Read([]byte) (int, error) { return 0, io.EOF }

// lines cuts what a program writes into lines.
type lines struct {
	of   *process
	max  int
	line []byte
	odd  bool // it wrote what is no answer: the rest does not matter
}

func newLines(p *process) *lines {
	return &lines{of: p, max: int(p.of.program.MaxOutput) + envelope}
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for !l.odd {
		piece, rest, whole := bytes.Cut(b, []byte("\n"))
		if len(l.line)+len(piece) > l.max {
			l.odd, l.line = true, nil
			l.of.babbles(fmt.Sprintf("it has more than %d bytes", l.max))
			break
		}
		if !whole {
			l.line = append(l.line, piece...)
			break
		}
		if len(l.line) > 0 {
			l.line = append(l.line, piece...)
			piece = l.line
		}
		if len(bytes.TrimSpace(piece)) > 0 {
			l.of.says(piece)
		}
		if cap(l.line) > 1<<20 {
			l.line = nil // one long answer is no reason to keep its room
		}
		l.line, b = l.line[:0], rest
	}
	return n, nil
}

// Close is called when the program, and all that has its output, have closed it.
func (l *lines) Close() error {
	close(l.of.mute)
	return nil
}

// maxLogged is how many lines of a program's standard error go to the log in a second.
const maxLogged = 100

// stderr takes what a program writes on standard error: its end is kept for messages, and
// its lines go to the log. While there is one task they are that task's, else nobody's.
type stderr struct {
	log   *slog.Logger
	owner atomic.Pointer[nodes.Task]
	tasks atomic.Pointer[[]*nodes.Task] // whose secrets are hidden
	fresh atomic.Bool                   // what was written is of earlier tasks

	mu    sync.Mutex
	tail  program.Tail
	since time.Time // when the second began
	lines int       // in it
}

func newStderr(log *slog.Logger) *stderr {
	s := &stderr{log: log}
	s.tail = program.Tail{Max: program.StderrTail, Mask: s.mask, Log: s.logged}
	return s
}

// forget drops what was written.
func (s *stderr) forget() { s.fresh.Store(true) }

// serve says whose secrets are to be hidden.
func (s *stderr) serve(jobs []*job) {
	all := make([]*nodes.Task, len(jobs))
	for i, j := range jobs {
		all[i] = j.task
	}
	s.tasks.Store(&all)
	s.belong(jobs)
}

// belong says whose lines those are that come now.
func (s *stderr) belong(jobs []*job) {
	var owner *nodes.Task
	if len(jobs) == 1 {
		owner = jobs[0].task
	}
	s.owner.Store(owner)
}

func (s *stderr) mask(text string) string {
	if all := s.tasks.Load(); all != nil {
		for _, t := range *all {
			if t.Mask != nil {
				text = t.Mask(text)
			}
		}
	}
	return text
}

func (s *stderr) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh.Swap(false) {
		s.tail.Forget()
	}
	return s.tail.Write(b)
}

// logged is called by the tail.
func (s *stderr) logged(line string) {
	log := s.log
	if t := s.owner.Load(); t != nil && t.Logger != nil {
		log = t.Logger
	}
	if now := time.Now(); now.Sub(s.since) >= time.Second {
		if left := s.lines - maxLogged; left > 0 {
			log.Debug("more lines on standard error than go to the log", "left_out", left)
		}
		s.since, s.lines = now, 0
	}
	if s.lines++; s.lines <= maxLogged {
		log.Debug("stderr", "line", s.mask(line))
	}
}

func (s *stderr) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail.Flush()
}

// String is the end of what was written, masked.
func (s *stderr) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh.Load() {
		return ""
	}
	return s.mask(s.tail.String())
}
