package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// signatureHeader has the HMAC-SHA256 of a request's body: sha256=HEX.
const signatureHeader = "X-Hub-Signature-256"

// webhooks is a POST whose body is signed with the secret of a webhook, and answered with 202.
// It needs no token: who can sign may send.
func webhooks(pattern, doc string, f func(*call, []byte) (EventReply, error)) route {
	return route{
		method: http.MethodPost, pattern: pattern, access: open, doc: doc, anyQuery: true,
		body: reflect.TypeFor[Value](), answer: reflect.TypeFor[EventReply](),
		serve: func(c *call) error {
			body, err := readBody(c.w, c.r, c.o.MaxBody)
			if err != nil {
				return err
			}
			out, err := f(c, body)
			if err != nil {
				return err
			}
			return replyAs(c.w, http.StatusAccepted, out)
		},
	}
}

// webhook makes an event of a request and gives it to a stack of the webhook's graph. Nothing
// of the request is looked at before its signature is right.
func (c *call) webhook(body []byte) (EventReply, error) {
	name, hook := c.ids["name"], c.ids["hook"]
	unknown := errorf(CodeNotFound, "graph %q has no webhook %q, or is not served", name, hook)
	if c.o.Graphs == nil {
		return EventReply{}, unknown
	}
	g, _, served := c.o.Graphs.Graph(name)
	if !served {
		return EventReply{}, unknown
	}
	w, ok := g.WebhookByName(hook)
	if !ok {
		return EventReply{}, unknown
	}
	if !c.isSigned(w.Secret, body) {
		return EventReply{}, errorf(CodeUnauthorized, "the signature is missing or wrong: expected the header %s: sha256=HEX, the HMAC-SHA256 of the body", signatureHeader)
	}
	in, err := requestOf(c.r, body)
	if err != nil {
		return EventReply{}, errorf(CodeFailed, "%v", err)
	}
	d, err := g.Deliver(w, in)
	if err != nil {
		return EventReply{}, errorf(CodeFailed, "webhook %q does not fit the request: %v", hook, err)
	}
	// A webhook of one graph is nothing for the stacks of others.
	sees, err := Sees(c.ctx, c.o.Store, Principal{Graph: name}, d.To)
	if err == nil && !sees {
		err = errorf(CodeNotFound, "graph %q has no stack %q", name, d.To)
	}
	if err != nil {
		return EventReply{}, err
	}
	ctx := runtime.As(c.ctx, "hook/"+hook)
	duplicate, err := c.engine.Send(ctx, runtime.Send{Stack: d.To, Event: d.Event, Payload: d.Payload, ID: d.ID})
	return EventReply{d.To, d.Event, duplicate}, unfit(err)
}

// unfit is the error for an event that the stack does not take: an older text of the graph may
// have other events than the one whose webhook it is.
func unfit(err error) error {
	var event *machine.UnknownEventError
	var payload *machine.PayloadError
	if errors.As(err, &event) || errors.As(err, &payload) {
		return errorf(CodeFailed, "%s", said(err))
	}
	return err
}

// isSigned compares in constant time. A secret that is not set, or empty, signs nothing.
func (c *call) isSigned(secret string, body []byte) bool {
	if c.o.Secret == nil {
		return false
	}
	key, set := c.o.Secret(secret)
	headers := c.r.Header.Values(signatureHeader)
	if !set || key == "" || len(headers) != 1 {
		return false
	}
	given, found := strings.CutPrefix(headers[0], "sha256=")
	got, err := hex.DecodeString(given)
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write(body)
	return found && err == nil && hmac.Equal(got, sum.Sum(nil))
}

// requestOf is what the expressions of a webhook see. A body is JSON unless its content type
// says that it is something else, and then its text.
func requestOf(r *http.Request, body []byte) (in graph.Request, err error) {
	in = graph.Request{Headers: map[string]any{}, Query: map[string]any{}}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // "" for one that cannot be read
	if err := value.CheckText(body); err != nil {
		return in, errorf(CodeFailed, "the body: %v", err)
	}
	if in.Body = string(body); kind == "" || kind == jsonType || strings.HasSuffix(kind, "+json") {
		if in.Body, err = value.Decode(body); err != nil {
			return in, errorf(CodeFailed, "the body is not JSON: %v", err)
		}
	}
	for name, all := range r.Header {
		if name != "Authorization" && name != "Cookie" {
			in.Headers[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(all, ", "), "\uFFFD")
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return in, errorf(CodeFailed, "the query is malformed: %v", err)
	}
	for name, all := range query {
		if err := value.CheckText(name + all[0]); err != nil {
			return in, errorf(CodeFailed, "the query: %v", err)
		}
		in.Query[name] = all[0]
	}
	return in, nil
}
