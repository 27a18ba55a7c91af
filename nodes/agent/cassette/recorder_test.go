package cassette_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/nodes/agent/cassette"
)

const secret = "sk-hunter2hunter2"

func hideSecret(s string) string { return strings.ReplaceAll(s, secret, "***") }

// lockedBuffer is written by one goroutine while another reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// TestRecord: texts are masked, headers are not written, the server sees all of it.
func TestRecord(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After-Ms", "1500")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"wrong key %s"},"asked":%q,"auth":%q}`, secret, b, r.Header.Get("Authorization"))
	})
	var out bytes.Buffer
	rt := cassette.NewRecorder(&out, hideSecret).Transport(http.DefaultTransport)
	_, body := ask(t, rt, url+chatPath, `{"say":"`+secret+`"}`)
	if !strings.Contains(body, secret) || !strings.Contains(body, "Bearer key-in-a-header") {
		t.Errorf("the exchange was changed on its way: %s", body)
	}
	lines := linesOf(t, out.String())
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	l := lines[0]
	if l.ID != "1" || "http://"+l.Host != url || l.Path != chatPath || l.Status != 401 || l.ContentType != "application/json" || l.RetryAfter != "1.5" {
		t.Errorf("got %+v", l)
	}
	if l.Request != `{"say":"***"}` || strings.Contains(out.String(), secret) || !strings.Contains(l.Body, "wrong key ***") {
		t.Errorf("got %s", out.String())
	}
}

// TestRecordStream: the pieces of a stream pass before it ends, and it is written then. A
// secret that came in two pieces is masked.
func TestRecordStream(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"the key is %s\"}}]}\n\n", secret[:6])
		w.(http.Flusher).Flush()
		<-goOn
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s, keep it\"}}]}\n\ndata: [DONE]\n\n", secret[6:])
	})
	var out lockedBuffer
	rt := cassette.NewRecorder(&out, hideSecret).Transport(http.DefaultTransport)
	resp := send(t, rt, url+chatPath, `{}`)
	defer resp.Body.Close()
	first := make([]byte, 10)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	if out.String() != "" {
		t.Errorf("it was written before its end: %s", out.String())
	}
	close(goOn)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(rest), secret[6:]) {
		t.Errorf("the rest is %s, %v", rest, err)
	}
	want := "data: {\"choices\":[{\"delta\":{\"content\":\"the key is ***, keep it\"},\"index\":0}]}\n\n" +
		"data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"index\":0}]}\n\ndata: [DONE]\n\n"
	if l := linesOf(t, out.String()); len(l) != 1 || l[0].Body != want {
		t.Errorf("got %s", out.String())
	}
}

// TestRecordCut: a stream that breaks, and one that is closed before its end, are
// recorded as far as they came. A refused connection is recorded with status 0. All of
// it is played again.
func TestRecordCut(t *testing.T) {
	t.Parallel()
	const piece = "data: {\"choices\":[]}\n\n"
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, piece)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	refused := server(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	var out bytes.Buffer
	rec := cassette.NewRecorder(&out, nil)
	rt := rec.Transport(http.DefaultTransport)
	resp := send(t, rt, url+chatPath, `{"model":"a","messages":[]}`)
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the cut was not passed on")
	}
	resp.Body.Close()
	resp = send(t, rt, url+chatPath, `{"model":"b","messages":[]}`)
	if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, refused+chatPath, strings.NewReader(`{"model":"c","messages":[]}`))
	if _, err := rt.RoundTrip(req); err == nil {
		t.Error("the failure was not passed on")
	}
	lines := linesOf(t, out.String())
	if len(lines) != 3 || lines[0].Body != piece || !strings.HasPrefix(lines[1].Body, "data") || lines[2].Status != 0 || lines[2].Body == "" {
		t.Fatalf("got %s", out.String())
	}
	p := load(t, out.String())
	if status, body := ask(t, p, url+chatPath, `{"model":"a","messages":[]}`); status != 200 || body != piece {
		t.Errorf("the cut stream is played as %d %s", status, body)
	}
	req, _ = http.NewRequestWithContext(t.Context(), http.MethodPost, url+chatPath, strings.NewReader(`{"model":"c","messages":[]}`))
	if _, err := p.RoundTrip(req); err == nil || err.Error() != lines[2].Body {
		t.Errorf("the refused connection is played as %v", err)
	}
}

// TestRecordParallel: lines are written whole, whatever is asked at once; after the disk
// is full nothing more is written, and the answers still come.
func TestRecordParallel(t *testing.T) {
	t.Parallel()
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 5000)) })
	w := &fullAfter{left: 10}
	rec := cassette.NewRecorder(w, nil)
	rt := rec.Transport(http.DefaultTransport)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, body := ask(t, rt, url+chatPath, `{}`); len(body) != 5000 {
				t.Errorf("%d bytes", len(body))
			}
		})
	}
	wg.Wait()
	if n := len(linesOf(t, w.b.String())); n != 10 {
		t.Errorf("%d lines", n)
	}
	if !errors.Is(rec.Err(), errFull) {
		t.Errorf("error %v", rec.Err())
	}
}

var errFull = errors.New("the disk is full")

// fullAfter takes some writes. The recorder writes one at a time.
type fullAfter struct {
	left int
	b    bytes.Buffer
}

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return f.b.Write(p)
}
