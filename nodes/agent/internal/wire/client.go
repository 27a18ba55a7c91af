package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/graphrun/graphrun/nodes/agent"
)

// Bounds where the question and the provider say nothing.
const (
	DefaultAnswer  = 4 << 20         // bytes of an answer
	DefaultTimeout = 2 * time.Minute // without a byte
	maxFailure     = 64 << 10        // bytes that are read of an error's body
)

// Client sends questions to one provider. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	http    *http.Client
	header  http.Header
	key     string
	timeout time.Duration
}

// New makes a client of a provider. base is the address where the provider names none,
// header what goes with every request. It follows a redirect only to the same scheme and
// host, and only where the question is sent along: a key never reaches another host.
func New(cfg agent.ProviderConfig, base string, header http.Header) (*Client, error) {
	if cfg.BaseURL != "" {
		base = cfg.BaseURL
	}
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("base_url %q: expected an address like https://host/path", base)
	}
	if strings.ContainsAny(cfg.Key, "\r\n\x00") {
		return nil, errors.New("the key holds a line end: expected one line")
	}
	c := &Client{base: u, header: header, key: cfg.Key, timeout: cfg.QuestionTimeout}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	own := http.Client{}
	if cfg.HTTP != nil {
		own = *cfg.HTTP
	}
	if own.Transport == nil {
		// http.DefaultTransport would read the proxy variables of the environment.
		own.Transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 30 * time.Second,
		}
	}
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		was := via[0]
		if len(via) > 5 || req.Method != was.Method || req.URL.Scheme != was.URL.Scheme || req.URL.Host != was.URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	c.http = &own
	return c, nil
}

// Host is the name of the provider's host, without a port.
func (c *Client) Host() string { return c.base.Hostname() }

// Post sends a JSON body to a path below the base address and returns the answer of
// status 200, which the caller has to close. limit is how many bytes it may have, 0 for
// the default.
func (c *Client) Post(ctx context.Context, limit int64, body []byte, path ...string) (*Answer, error) {
	return c.do(ctx, limit, http.MethodPost, body, path)
}

// Get is Post without a body.
func (c *Client) Get(ctx context.Context, limit int64, path ...string) (*Answer, error) {
	return c.do(ctx, limit, http.MethodGet, nil, path)
}

func (c *Client) do(outer context.Context, limit int64, method string, body []byte, path []string) (*Answer, error) {
	if limit <= 0 {
		limit = DefaultAnswer
	}
	limit = min(limit, 1<<40)
	ctx, cancel := context.WithCancelCause(outer)
	a := &Answer{outer: outer, ctx: ctx, cancel: cancel, client: c, limit: limit, wire: limit}
	a.timer = time.AfterFunc(c.timeout, func() { cancel(errQuiet) })
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path...).String(), bytes.NewReader(body))
	if err != nil {
		a.Close()
		return nil, c.failed(err)
	}
	for k, v := range c.header {
		req.Header[k] = v
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	// Compression only delays the first words of an answer.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := c.http.Do(req) //nolint:bodyclose // a closes it
	if err != nil {
		err = a.broken(err)
		a.Close()
		return nil, err
	}
	if err := a.open(resp); err != nil {
		a.Close()
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer a.Close()
		return nil, a.failure()
	}
	return a, nil
}

// errQuiet ends a question that went too long without a byte.
var errQuiet = errors.New("no byte")

// failed is an error that no response belongs to.
func (c *Client) failed(err error) *agent.Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, which the reader knows
	}
	return &agent.Error{Message: c.Clean("no answer: " + err.Error())}
}
