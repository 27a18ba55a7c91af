package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/api"
)

// acts are what a stack's page can do, each through the API with the token of the session.
var acts = map[string]func(v *visit, stack string) error{
	"wake":   func(v *visit, id string) error { return v.api.Wake(v.r.Context(), id) },
	"pause":  func(v *visit, id string) error { return v.api.Pause(v.r.Context(), id) },
	"resume": func(v *visit, id string) error { return v.api.Resume(v.r.Context(), id) },
	"stop":   func(v *visit, id string) error { return v.api.Stop(v.r.Context(), id) },
	"cancel": func(v *visit, id string) error {
		return v.api.Cancel(v.r.Context(), id, api.CancelRequest{Reason: v.r.PostFormValue("reason")})
	},
	"retry":  func(v *visit, id string) error { return v.api.Retry(v.r.Context(), id, api.RetryRequest{}) },
	"answer": (*visit).answer,
	"send":   (*visit).send,
	"fork":   (*visit).fork,
	"remove": func(v *visit, id string) error { return v.api.Remove(v.r.Context(), id) },
}

// act does what a form of a stack's page asks for, and shows the page again.
func (v *visit) act() error {
	do, ok := acts[v.r.PathValue("action")]
	if !ok {
		return &api.Error{Code: api.CodeNotFound, Message: "there is no such form"}
	}
	id := v.r.PathValue("stack")
	err := do(v, id)
	var e *api.Error
	switch {
	case errors.As(err, &e) && e.Code != api.CodeNotFound && e.Code != api.CodeUnauthorized:
		return v.stackPage(e.Status(), err)
	case err != nil:
		return err
	}
	next := pathTo(id)
	switch v.r.PathValue("action") {
	case "fork":
		next = pathTo(v.r.PostFormValue("as"))
	case "remove":
		next = "/"
	}
	if back := v.r.PostFormValue("back"); back != "" {
		next = local(back)
	}
	http.Redirect(v.w, v.r, next, http.StatusSeeOther)
	return nil
}

// answer gives a waiting node, or a call of an agent, its word.
func (v *visit) answer(id string) error {
	form := func(name string) string { return v.r.PostFormValue(name) }
	approved := form("word") == "approve"
	in := api.AnswerRequest{Node: form("node"), For: form("for"), Call: form("call"), Approved: &approved}
	if text := form("comment"); text != "" {
		in.Comment = &text
	}
	if text := form("value"); text != "" {
		x, err := value.Decode([]byte(text))
		if err != nil {
			return &api.Error{Code: api.CodeUsage, Message: "the value is not JSON: " + err.Error()}
		}
		in.Value = &api.Value{V: x}
	}
	return v.api.Answer(v.r.Context(), id, in)
}

// fork makes a new stack that continues from a moment of this one.
func (v *visit) fork(id string) error {
	in := api.ForkRequest{At: v.r.PostFormValue("moment"), As: v.r.PostFormValue("as")}
	if text := v.r.PostFormValue("set"); text != "" {
		x, err := value.Decode([]byte(text))
		set, ok := x.(map[string]any)
		if err != nil || !ok {
			return &api.Error{Code: api.CodeUsage, Message: "set is not a JSON object of keys and values"}
		}
		in.Set = set
	}
	_, err := v.api.Fork(v.r.Context(), id, in)
	return err
}

// send sends an event.
func (v *visit) send(id string) error {
	in := api.EventRequest{Event: v.r.PostFormValue("event")}
	if text := v.r.PostFormValue("payload"); text != "" {
		x, err := value.Decode([]byte(text))
		if err != nil {
			return &api.Error{Code: api.CodeUsage, Message: "the payload is not JSON: " + err.Error()}
		}
		in.Payload = api.Value{V: x}
	}
	_, err := v.api.Send(v.r.Context(), id, in)
	return err
}

// pathTo is the page of a stack.
func pathTo(stack string) string { return "/stacks/" + url.PathEscape(stack) }
