package agenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Server is a provider. It is safe for concurrent use.
type Server struct {
	http   *httptest.Server
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	grew   chan struct{} // closed and replaced whenever the ledger changes
	script []*Reply
	play   func(Question) Reply
	models []string
	asked  []Question
	now    int
	most   int
}

// New starts a server that ends with the test, and has the test fail if a question came
// that the script has no reply for.
func New(t testing.TB, script ...Reply) *Server {
	t.Helper()
	s := Start(script...)
	t.Cleanup(func() {
		s.Close()
		for _, q := range s.Asked() {
			if q.Unscripted {
				t.Errorf("agenttest: question %d (%s, model %q) has no reply in the script: %.300s", q.N, q.Path, q.Model, q.Body)
			}
		}
	})
	return s
}

// Start starts a server that the caller has to close.
func Start(script ...Reply) *Server {
	s := &Server{closed: make(chan struct{}), grew: make(chan struct{})}
	s.Add(script...)
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Close ends all answers that are on their way, and the server.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closed)
		s.http.CloseClientConnections()
		s.http.Close()
	})
}

// URL is the server's address, without a path and without a slash at the end.
func (s *Server) URL() string { return s.http.URL }

// OpenAI is the base_url of a provider with `api: openai`.
func (s *Server) OpenAI() string { return s.http.URL + "/v1" }

// Anthropic is the base_url of a provider with `api: anthropic`.
func (s *Server) Anthropic() string { return s.http.URL }

// Add appends to the script.
func (s *Server) Add(script ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range script {
		s.script = append(s.script, &r)
	}
}

// Play has f reply to every question that the script has no reply for. f is called by
// several goroutines at once if several questions are asked at once.
func (s *Server) Play(f func(Question) Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play = f
}

// SetModels is what the list of models answers; without it the list is empty.
func (s *Server) SetModels(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models = slices.Clone(names)
}

// Asked is the ledger: every question in the order of arrival. Only whole requests are
// in it. Questions for a list of models are not.
func (s *Server) Asked() []Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// MostAtOnce is how many questions were being answered at the same time at most.
func (s *Server) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Wait waits until the ledger has at least n questions and returns it.
func (s *Server) Wait(ctx context.Context, n int) ([]Question, error) {
	return s.until(ctx, func(all []Question) bool { return len(all) >= n })
}

// WaitDone waits until at least n questions were answered to the last byte and returns
// the ledger.
func (s *Server) WaitDone(ctx context.Context, n int) ([]Question, error) {
	return s.until(ctx, func(all []Question) bool {
		done := 0
		for _, q := range all {
			if q.Done {
				done++
			}
		}
		return done >= n
	})
}

func (s *Server) until(ctx context.Context, ok func([]Question) bool) ([]Question, error) {
	for {
		s.mu.Lock()
		all, grew := slices.Clone(s.asked), s.grew
		s.mu.Unlock()
		if ok(all) {
			return all, nil
		}
		select {
		case <-ctx.Done():
			return all, fmt.Errorf("agenttest: %d questions were asked: %w", len(all), context.Cause(ctx))
		case <-grew:
		}
	}
}

// change changes the ledger and wakes those who wait for it.
func (s *Server) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.grew)
	s.grew = make(chan struct{})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away before it had asked
	}
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/models") {
		s.list(w)
		return
	}
	q := read(r, body)
	reply := s.reply(&q)
	defer s.change(func() { s.now-- })
	if s.write(w, r, &q, reply) {
		s.change(func() { s.asked[q.N-1].Done = true })
	}
}

// reply enters a question into the ledger and chooses its reply.
func (s *Server) reply(q *Question) *Reply {
	var found *Reply
	var play func(Question) Reply
	s.change(func() {
		q.N = len(s.asked) + 1
		s.now++
		s.most = max(s.most, s.now)
		for _, r := range s.script {
			if !r.over() && r.fits(*q) {
				r.used++
				c := *r
				found = &c
				break
			}
		}
		play = s.play
		q.Unscripted = found == nil && play == nil && !q.Embeds()
		s.asked = append(s.asked, *q)
	})
	switch {
	case found != nil:
		return found
	case play != nil:
		r := play(*q)
		return &r
	case q.Embeds():
		return &Reply{}
	}
	r := Fail(http.StatusBadRequest, "the script of the test has no reply for this question")
	return &r
}

func (s *Server) list(w http.ResponseWriter) {
	s.mu.Lock()
	data := []any{}
	for _, m := range s.models {
		data = append(data, map[string]any{"id": m, "object": "model", "type": "model"})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data, "has_more": false})
}
