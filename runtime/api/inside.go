package api

import (
	"context"
	"net"
	"net/http"
)

// Inside is a client of the handler in the same process, for somebody who shows a
// token: what it asks for is let in, refused and recorded as what comes over the
// network.
func (h *Handler) Inside(token string) *Client {
	host := loopbackHosts[0]
	if len(h.o.Door.Hosts) > 0 {
		host = h.o.Door.Hosts[0]
	}
	if net.ParseIP(host) != nil {
		host = net.JoinHostPort(host, "80")
	}
	return &Client{base: "http://" + host, token: token, http: &http.Client{Transport: direct{h}}, close: func() error { return nil }}
}

// Enter decides whether a request for something beside the API comes in at all, by the
// rules of the door for Host and Origin. It asks for no token.
func (h *Handler) Enter(r *http.Request) error { return h.o.Door.admit(r) }

// Principal is who shows a token at the handler's door. It is false for a token that
// nobody has.
func (h *Handler) Principal(token string) (Principal, bool) { return h.o.Door.Principal(token) }

// Status is the HTTP status that stands for the error.
func (e *Error) Status() int {
	if status, ok := statusOf[e.Code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// Link is a link that signs a browser in to the dashboard.
type Link struct {
	URL string `json:"url"` // good for one use, within a minute
}

func (c *call) link(Nothing) (Link, error) {
	if c.o.Link == nil {
		return Link{}, errorf(CodeConflict, "this process has no dashboard: `graphrun serve` does")
	}
	url, err := c.o.Link()
	return Link{url}, err
}

// Link makes a link that signs a browser in to the dashboard. Only the control socket
// gives one.
func (c *Client) Link(ctx context.Context) (l Link, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/links", Nothing{}, &l)
	return l, err
}
