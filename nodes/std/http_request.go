package std

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/nodes"
)

// request builds the request from the configuration; it is nil when c.err is
// set.
func (c *config) request(ctx context.Context, t nodes.Task) *http.Request {
	u, err := parseURL(c.text("url", ""))
	if err != nil {
		c.failf("%v", err)
		return nil
	}
	if q := c.values("query").Encode(); q != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+q, "&")
	}
	body, contentType := c.body()
	method := strings.ToUpper(c.text("method", ""))
	switch {
	case method == "" && body != nil:
		method = http.MethodPost
	case method == "":
		method = http.MethodGet
	case !validMethod(method):
		c.failf("no method is called %q, want one of %s", method, strings.Join(methods, ", "))
	}
	if c.err != nil {
		return nil
	}
	// A nil *bytes.Reader in the interface would be taken for a body.
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), reader)
	if err != nil {
		c.failf("%v", err)
		return nil
	}
	req.Header.Set("User-Agent", "graphrun")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method != http.MethodGet && method != http.MethodHead && t.Key != "" {
		req.Header.Set("Idempotency-Key", headerText(t.Key))
	}
	c.headers(req)
	return req
}

// parseURL reads an absolute http or https address.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf(`"url" is no absolute http or https address`)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// body is the request's body and its content type; nil for none.
func (c *config) body() (body []byte, contentType string) {
	set := 0
	if v, ok := c.with["json"]; ok {
		set++
		body, contentType = c.json("json", v), "application/json"
	}
	if c.with["body"] != nil {
		set++
		body, contentType = []byte(c.text("body", "")), "text/plain; charset=utf-8"
	}
	if c.with["form"] != nil {
		set++
		body, contentType = []byte(c.values("form").Encode()), "application/x-www-form-urlencoded"
	}
	if set > 1 {
		c.failf(`http takes only one of "json", "body" and "form"`)
	}
	return body, contentType
}

// values reads a mapping of scalars and lists of scalars.
func (c *config) values(name string) url.Values {
	out := url.Values{}
	for key, v := range c.fields(name) {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			if item != nil {
				out.Add(key, c.scalar(fmt.Sprintf("%q of %q", key, name), item))
			}
		}
	}
	return out
}

// headers sets what the graph declares, over what this package would set.
func (c *config) headers(req *http.Request) {
	fields := c.fields("headers")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := fields[name]
		if v == nil {
			continue
		}
		text := c.scalar(fmt.Sprintf("header %q", name), v)
		switch {
		case !isToken(name):
			c.failf("%q cannot be the name of a header", name)
		case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			c.failf("header %q holds a line end or another control character", name)
		case strings.EqualFold(name, "Host"):
			req.Host = text
		default:
			req.Header.Set(name, text)
		}
	}
}

// isToken reports whether s can be the name of a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// headerText makes a key fit for a header: keys of elements may hold anything.
func headerText(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return url.QueryEscape(s)
	}
	return s
}

// integers is a list of integers, of what is said; nil if it is absent.
func (c *config) integers(name, of string) []int64 {
	list, ok := c.with[name].([]any)
	if !ok && c.with[name] != nil {
		c.failf("%q is %s, want a list of %s", name, describe(c.with[name]), of)
	}
	var out []int64
	for _, v := range list {
		n, ok := v.(int64)
		if !ok {
			c.failf("%q holds %s, want %s", name, describe(v), of)
		}
		out = append(out, n)
	}
	return out
}

// flag is a boolean; null and absent count as false.
func (c *config) flag(name string) bool {
	v, ok := c.with[name].(bool)
	if !ok && c.with[name] != nil {
		c.failf("%q is %s, want true or false", name, describe(c.with[name]))
	}
	return v
}
