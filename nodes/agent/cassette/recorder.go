package cassette

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Recorder writes exchanges to a recording, each as soon as it is over. It is safe for
// concurrent use.
type Recorder struct {
	mask func(string) string

	mu  sync.Mutex
	w   io.Writer
	n   int64 // lines begun
	err error
}

// NewRecorder returns a recorder that writes to w, one Write for each line. mask hides
// secrets in texts; nil means that there are none.
func NewRecorder(w io.Writer, mask func(string) string) *Recorder {
	return &Recorder{w: w, mask: mask}
}

// Err returns the error of the first line that could not be written. Nothing was written
// after it.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// write gives a line its number and writes it.
func (r *Recorder) write(line func(id string) any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.n++
	b, err := encode(line(number(r.n)))
	if err == nil {
		_, err = r.w.Write(append(b, '\n'))
	}
	r.err = err
}

// Transport returns a transport that sends requests through next and records them.
// Answers pass through as they come. An answer is recorded at its end, or as far as it
// was read when it breaks or is closed before.
func (r *Recorder) Transport(next http.RoundTripper) http.RoundTripper {
	return &transport{r, next}
}

type transport struct {
	*Recorder
	next http.RoundTripper
}

// RoundTrip sends a request and records it with its answer.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	asked, err := readAll(req)
	if err != nil {
		return nil, err
	}
	sent := req.Clone(req.Context())
	if req.Body != nil {
		sent.Body = io.NopCloser(bytes.NewReader(asked))
	}
	line := modelLine{Host: req.URL.Host, Path: req.URL.Path, Request: clip(string(asked))}
	resp, err := t.next.RoundTrip(sent)
	if err != nil {
		line.Body = err.Error()
		t.exchange(line)
		return nil, err
	}
	line.Status, line.ContentType = resp.StatusCode, resp.Header.Get("Content-Type")
	line.RetryAfter = retryAfter(resp.Header, time.Now())
	resp.Body = &taped{ReadCloser: resp.Body, over: func(body []byte) {
		line.Body = string(body)
		t.exchange(line)
	}}
	return resp, nil
}

// exchange records an exchange with a provider that is over.
func (r *Recorder) exchange(line modelLine) {
	line.Request, line.Body = masked(r.mask, line.Request), maskedBody(r.mask, line.ContentType, line.Body)
	line.Host, line.Path = masked(r.mask, line.Host), masked(r.mask, line.Path)
	r.write(func(id string) any { line.ID = id; return line })
}

// readAll reads the body of a request and closes it.
func readAll(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(req.Body)
	if closing := req.Body.Close(); err == nil {
		err = closing
	}
	return b, err
}

// retryAfter is the time that a provider asks to wait, in seconds, or as it is when it
// cannot be read. A date would have passed when the recording is played.
func retryAfter(h http.Header, now time.Time) string {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return strconv.FormatFloat(ms/1000, 'f', -1, 64)
	}
	text := h.Get("Retry-After")
	if at, err := http.ParseTime(text); err == nil {
		return number(int64(max(0, at.Sub(now)+time.Second-1) / time.Second))
	}
	return text
}

// taped is the body of an answer that is recorded while it is read.
type taped struct {
	io.ReadCloser
	over func(body []byte)
	once sync.Once
	mu   sync.Mutex // Close may come while Read waits
	read []byte
}

func (t *taped) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.mu.Lock()
	t.read = append(t.read, p[:min(n, maxText-len(t.read))]...)
	t.mu.Unlock()
	if err != nil {
		t.end()
	}
	return n, err
}

func (t *taped) Close() error {
	err := t.ReadCloser.Close()
	t.end()
	return err
}

func (t *taped) end() {
	t.once.Do(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.over(t.read)
		t.read = nil
	})
}
