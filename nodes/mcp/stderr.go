package mcp

import (
	"log/slog"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// Bounds of what is shown of a server's words, in bytes.
const (
	maxText = 16 << 10 // in a message
	maxNote = 1 << 10  // of its progress
)

// maxLines is how many lines of a program's standard error go to the log in a second.
const maxLines = 100

// stderr takes what a program writes on standard error: its end is kept for messages, and
// its lines go to the log.
type stderr struct {
	log *slog.Logger

	mu    sync.Mutex
	tail  program.Tail
	since time.Time // when the second began
	lines int       // in it
}

func newStderr(log *slog.Logger, mask func(string) string) *stderr {
	s := &stderr{log: log}
	s.tail = program.Tail{Max: program.StderrTail, Mask: mask, Log: s.line}
	return s
}

func (s *stderr) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tail.Write(b)
}

// line is called by the tail.
func (s *stderr) line(text string) {
	if now := time.Now(); now.Sub(s.since) >= time.Second {
		if left := s.lines - maxLines; left > 0 {
			s.log.Debug("more lines on standard error than go to the log", "left_out", left)
		}
		s.since, s.lines = now, 0
	}
	if s.lines++; s.lines <= maxLines {
		s.log.Debug("stderr", "line", s.tail.Mask(text))
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
	return s.tail.Mask(s.tail.String())
}

// masks hide the secrets of all graphs that use a server: what one of them sends there
// may come back at any time.
type masks struct {
	mu  sync.Mutex
	all map[string]func(string) string // by graph
}

func (m *masks) add(t nodes.Task) {
	if t.Mask == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[string]func(string) string{}
	}
	m.all[t.Graph] = t.Mask
}

func (m *masks) mask(text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		text = one(text)
	}
	return text
}
