package std

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

const (
	maxRedirects = 10
	errorPiece   = 1 << 10 // how much of an unexpected response goes into the message
)

// httpNode sends a request. charsets finds what reads a charset other than
// UTF-8. It may be nil.
type httpNode struct{ charsets Charsets }

func (n httpNode) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	c := settings(t)
	req := c.request(ctx, t)
	expect, limit := c.integers("expect", "statuses"), c.size("max_response", maxResponse)
	parse, allow := c.text("parse", bodies[0]), c.flag("allow_private")
	if !slices.Contains(bodies, parse) {
		c.failf(`"parse" is %q, want one of %s`, parse, strings.Join(bodies, ", "))
	}
	if c.err != nil {
		return nodes.Result{}, c.err
	}
	client, done := newClient(guard{allowAll: allow, named: namedAddress(t.Written, req.URL)})
	defer done()
	resp, err := sent(ctx, client, req)
	if err != nil {
		return nodes.Result{}, requestError(ctx, req, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	var content any
	switch {
	case err != nil:
		err = requestError(ctx, req, err)
	case !expected(expect, resp.StatusCode):
		err = statusError(req, resp, body, t.Mask)
	case int64(len(body)) > limit:
		err = nodes.Errorf("output", "more than %d bytes of response (max_response)", limit)
	default:
		content, err = n.responseBody(parse, resp.Header.Get("Content-Type"), body)
	}
	if err != nil {
		return nodes.Result{}, n.answered(err, resp, body, t.Mask)
	}
	if t.Output != nil {
		of, _ := t.Output.Prop("body")
		if content, err = Fitted(t, of.Type, content); err != nil {
			return nodes.Result{}, n.answered(err, resp, body, t.Mask)
		}
	}
	return nodes.Result{Output: map[string]any{
		"status":  int64(resp.StatusCode),
		"headers": responseHeaders(resp.Header),
		"body":    content,
	}}, nil
}

// sent sends a request. While the machine has no descriptor for a connection it waits:
// nothing was sent then.
func sent(ctx context.Context, client *http.Client, req *http.Request) (resp *http.Response, err error) {
	want := program.Patiently(ctx, program.WantTime, func() error {
		if req.GetBody != nil {
			req.Body, _ = req.GetBody() // a copy of bytes cannot fail
		}
		resp, err = client.Do(req) //nolint:bodyclose // the caller closes it
		if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
			return op // err has the whole url in it
		}
		return nil
	})
	if want != nil {
		return nil, want
	}
	return resp, err
}

// newClient makes a client for one request and what follows from it. Its
// connections end with it: a node leaves nothing behind.
func newClient(g guard) (client *http.Client, done func()) {
	tr := &http.Transport{ // no Proxy: the engine's environment is not the graph's
		DialContext:            g.dial,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	return &http.Client{Transport: tr, CheckRedirect: checkRedirect}, tr.CloseIdleConnections
}

// checkRedirect decides about one hop. By now net/http has copied the headers of the
// first request, without those that it knows to be credentials; a graph may have
// called its own by any name.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return nodes.Permanent(nodes.Errorf("http", "more than %d redirects", maxRedirects))
	}
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return nodes.Permanent(nodes.Errorf("http", "redirected to %q: only http and https are followed", s))
	}
	first := via[0].URL
	downgraded := first.Scheme == "https" && req.URL.Scheme == "http"
	if req.URL.Host == first.Host && !downgraded {
		return nil
	}
	kept := http.Header{}
	for _, name := range []string{"Content-Type", "User-Agent", "Idempotency-Key"} {
		if v, ok := req.Header[name]; ok {
			kept[name] = v
		}
	}
	req.Header = kept //nolint:gosec // G119: kept holds no header of the graph
	return nil
}

// requestError says what went wrong without the query of the url, which may
// hold what no journal should.
func requestError(ctx context.Context, req *http.Request, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var own *nodes.Error
	if errors.As(err, &own) {
		own.Message = where(req) + ": " + own.Message
		return own
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return nodes.Errorf("http", "%s: %v", where(req), err)
}

func where(req *http.Request) string {
	return req.Method + " " + req.URL.Scheme + "://" + req.URL.Host + req.URL.EscapedPath()
}

func expected(want []int64, status int) bool {
	if want == nil {
		return status >= 200 && status <= 299
	}
	return slices.Contains(want, int64(status))
}

// answered is a failure after a response has begun, with its status and the beginning of
// its body.
func (n httpNode) answered(err error, resp *http.Response, body []byte, mask func(string) string) error {
	var e *nodes.Error
	if !errors.As(err, &e) || e == nil {
		e = &nodes.Error{Kind: "error", Message: err.Error()} // Run sets the kind of an attempt that was ended
	}
	c, status := *e, int64(resp.StatusCode)
	_, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if text, err := n.decoded(params["charset"], body); err == nil {
		body = text
	}
	output := program.Beginning(program.Text(body), nodes.MaxErrorOutput, mask)
	c.Code, c.Output = &status, &output
	return &c
}

// maxRetryAfter is the longest pause that a server may ask for.
const maxRetryAfter = time.Hour

// retryAfter is the pause that a server asks for before the next request, in seconds or as
// a date; 0 for none.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}

// statusError is a response that was not expected. What the server says of the
// request itself does not change by asking again.
func statusError(req *http.Request, resp *http.Response, body []byte, mask func(string) string) error {
	msg := where(req) + ": status " + resp.Status
	if after := resp.Header.Get("Retry-After"); after != "" {
		msg += fmt.Sprintf(" (retry after %q)", program.Beginning(after, 40, mask))
	}
	if piece := strings.TrimSpace(program.Beginning(program.Text(body), errorPiece, mask)); piece != "" {
		msg += ": " + piece
	}
	e := nodes.Errorf("http", "%s", msg)
	if s := resp.StatusCode; s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable {
		e.Wait = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
	default:
		e.Permanent = resp.StatusCode < 500
	}
	return e
}

// responseHeaders are the headers with lower-case names, several of a name
// joined by commas. What is not UTF-8 is read as Latin-1, as HTTP once had it.
func responseHeaders(h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for name, values := range h {
		all := strings.Join(values, ", ")
		if !utf8.ValidString(all) {
			all = latin1(all)
		}
		out[strings.ToLower(name)] = all
	}
	return out
}

// latin1 reads bytes of ISO 8859-1, in which every byte is a character.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// responseBody makes a value of a body, as `parse` says. With auto, JSON becomes its
// value, and anything else its text.
func (n httpNode) responseBody(parse, contentType string, body []byte) (any, error) {
	if parse == "base64" {
		return base64.StdEncoding.EncodeToString(body), nil
	}
	media, params, _ := mime.ParseMediaType(contentType)
	body, err := n.decoded(params["charset"], body)
	if err != nil {
		return nil, nodes.Errorf("output", "the response is not text: %v (parse: base64 takes any bytes)", err)
	}
	isJSON := media == "application/json" || strings.HasSuffix(media, "+json")
	if parse == "text" || parse == "auto" && !isJSON {
		return string(body), nil
	}
	if body = bytes.TrimPrefix(body, byteOrderMark); len(body) == 0 {
		return nil, nil
	}
	v, err := value.Decode(body)
	if err != nil {
		return nil, nodes.Errorf("output", "the response is not one JSON value: %s", jsonProblem(body, err))
	}
	return v, nil
}

// decoded is a body in UTF-8. charset is the label that the response gives it;
// without one, the body has to be UTF-8.
func (n httpNode) decoded(charset string, body []byte) ([]byte, error) {
	if charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8") {
		return body, value.CheckText(body)
	}
	if n.charsets != nil {
		if decode, ok := n.charsets(charset); ok {
			return decode(body)
		}
	}
	return nil, fmt.Errorf("its charset %.40q is not known", charset)
}
