package mcp

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

const (
	maxRedirects = 10
	maxRefusal   = 64 << 10 // bytes of a response that is no success
)

// direct is a transport without a proxy: the engine's environment is not the graph's.
func direct() http.RoundTripper {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    30 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// reach begins a session with an address: by streamable HTTP, or by the protocol's first
// transport where the address refuses that.
func (v *server) reach() (*session, error) {
	s := newSession(v)
	client := &http.Client{Transport: &web{v.of.http, v.at, v.of.limits.message, s.mark}, CheckRedirect: checkRedirect}
	address, most := v.at.url.String(), v.of.limits.start
	err := s.initialize(most, &mcp.StreamableClientTransport{Endpoint: address, HTTPClient: client, MaxEventSize: v.of.limits.message})
	status := s.begun.last()
	if err != nil && s.sdk == nil && (status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		if s.initialize(most, &mcp.SSEClientTransport{Endpoint: address, HTTPClient: client, MaxEventSize: v.of.limits.message}) == nil {
			err = nil
		}
	}
	if err == nil {
		return s, nil
	}
	s.close()
	if v.ctx.Err() != nil {
		return nil, v.closed()
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the address may hold what no journal should
	}
	why := program.Beginning(strings.ReplaceAll(err.Error(), s.mark, notText), maxText, v.hides.mask)
	switch {
	case isFinal(status):
		return nil, badConfig("server %q cannot start: status %d: %s", v.name, status, why)
	case refusalOf(err) != nil:
		return nil, nodes.Errorf("config", "server %q cannot start: %s", v.name, why)
	}
	return nil, nodes.Errorf("error", "server %q cannot be reached: %s", v.name, why)
}

// refusalOf is the error that a server answered with; nil if it did not answer. The SDK
// marks what did not reach the server with an error of the same type.
func refusalOf(err error) *jsonrpc.Error {
	var refusal *jsonrpc.Error
	if !errors.As(err, &refusal) || refusal.Message == "rejected by transport" {
		return nil
	}
	return refusal
}

// isFinal says whether a status would be the same another time.
func isFinal(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return errors.New("redirected to " + s + ": only http and https are followed")
	}
	return nil
}

// web sends the requests of one server. The headers of the graph go to the host that the
// graph names, and to no other that it redirects to.
type web struct {
	next http.RoundTripper
	at   *address
	max  int    // bytes of a message
	mark string // begins a refusal that stands for an answer that is no text
}

func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	seen, _ := req.Context().Value(answersKey{}).(*answers)
	out := req.Clone(req.Context())
	out.Header.Del("Referer")
	if out.URL.Host == w.at.url.Host && (out.URL.Scheme == "https" || w.at.url.Scheme == "http") {
		for name, value := range w.at.headers {
			out.Header.Set(name, value)
		}
	}
	resp, err := w.next.RoundTrip(out)
	if req.Method == http.MethodPost {
		seen.note(resp, req.Header.Get("Mcp-Session-Id") != "")
	}
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode >= 300:
		resp.Body = &bounded{ReadCloser: resp.Body, left: maxRefusal}
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"):
		resp.Body = newEvents(resp.Body, w.max, w.mark)
	default:
		resp.Body = &bounded{ReadCloser: resp.Body, left: w.max, seen: seen, text: true}
	}
	return resp, nil
}

// bounded is a body that fails beyond its bound, and, where it has to be text, at the
// first byte that is not UTF-8.
type bounded struct {
	io.ReadCloser
	left int
	seen *answers
	text bool
	read int    // bytes before rest
	rest []byte // the beginning of a character whose end has not come
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		b.seen.setLong()
		return 0, errors.New("the response is too long")
	}
	if b.text {
		if wrong := b.check(p[:n], err == io.EOF); wrong != nil {
			b.seen.setBytes(wrong)
			return 0, wrong
		}
	}
	return n, err
}

// check looks at the next piece of a text; last says that nothing follows it.
func (b *bounded) check(piece []byte, last bool) error {
	all := slices.Concat(b.rest, piece)
	whole := len(all)
	for i := max(0, whole-utf8.UTFMax+1); i < whole && !last; i++ {
		if utf8.RuneStart(all[i]) && !utf8.FullRune(all[i:]) {
			whole = i
			break
		}
	}
	if err := value.CheckText(all[:whole]); err != nil {
		var at *value.TextError
		if errors.As(err, &at) {
			at.Offset += b.read
		}
		return err
	}
	b.read += whole
	b.rest = append(b.rest[:0], all[whole:]...)
	return nil
}

// answers is what came back for a question, beneath the SDK, which does not tell. It
// travels in the context of the question. A nil one keeps nothing.
type answers struct {
	mu      sync.Mutex
	status  int
	session bool // the request named a session
	long    bool
	text    *notTextError // why the answer is no text
}

type answersKey struct{}

func (a *answers) note(resp *http.Response, session bool) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.session = 0, session
	if resp != nil {
		a.status = resp.StatusCode
	}
}

func (a *answers) setLong() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.long = true
}

func (a *answers) setBytes(err error) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text = &notTextError{err}
}

func (a *answers) bytes() *notTextError {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text
}

func (a *answers) tooLong() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.long
}

func (a *answers) last() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

// expired reports whether the server did not know the session of the request: it did
// nothing then. Servers that say so with 400 in place of 404 are many.
func (a *answers) expired(refusal *jsonrpc.Error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.status {
	case http.StatusNotFound:
		return a.session
	case http.StatusBadRequest:
		return a.session && refusal != nil && strings.Contains(strings.ToLower(refusal.Message), "session")
	}
	return false
}
