package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/graphrun/graphrun/runtime"
)

// Client talks to a Handler. Errors of the other side are *Error; what goes
// wrong on the way is a *runtime.StoreError, since the store cannot be used
// then. Safe for concurrent use. Call Close when done with it.
type Client struct {
	base  string
	token string
	http  *http.Client
	close func() error
}

// NewClient is for an API on TCP: base is its URL, as "http://127.0.0.1:7878".
func NewClient(base, token string) *Client {
	return newClient(base, token, (&net.Dialer{Timeout: dialTimeout}).DialContext)
}

func newClient(base, token string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *Client {
	t := &http.Transport{DialContext: dial, DisableCompression: true}
	return &Client{base: base, token: token, http: &http.Client{Transport: t},
		close: func() error { t.CloseIdleConnections(); return nil }}
}

// Direct is a client of a Handler in the same process, without a network.
// close is called by Close.
func Direct(h *Handler, close func() error) *Client {
	return &Client{base: "http://graphrun", http: &http.Client{Transport: direct{h}}, close: close}
}

// Close gives up the client's connections.
func (c *Client) Close() error { return c.close() }

// call sends in as JSON, without a body if it is nil, and reads the answer into out
// unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("cannot write the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	resp, err := c.do(ctx, method, path, body, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	if err != nil {
		return lost(ctx, err)
	}
	return nil
}

// do gives the response of a request that was accepted.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", jsonType)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var e errorBody
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil || e.Error == nil {
		return nil, &Error{CodeInternal, fmt.Sprintf("%s %s: %s", method, path, resp.Status)}
	}
	return nil, e.Error
}

// lost is a request whose answer did not come.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *runtime.StoreError
	if errors.As(err, &known) { // of a handler in this process
		return known
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &runtime.StoreError{Err: fmt.Errorf("the process that owns the store did not answer: %w", err)}
}
