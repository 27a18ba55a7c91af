package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

// startStack starts a stack of a graph that the engine knows, or of a
// definition that comes along. A definition says which commands are run, so it
// is taken only from those who could run them anyway.
func (h *Handler) startStack(w http.ResponseWriter, r *http.Request, _ params) error {
	var in StartRequest
	if err := decode(w, r, h.o.MaxBody, &in); err != nil {
		return err
	}
	g, source, err := h.graphFor(in)
	if err != nil {
		return err
	}
	o := runtime.StartOptions{ID: in.Stack, Params: in.Params, State: in.State, Source: source, Rest: h.o.Rest}
	if _, err := h.rt.Start(r.Context(), g, o); err != nil {
		return err
	}
	if o.ID == "" {
		o.ID = g.Name
	}
	st, err := h.rt.Status(r.Context(), o.ID)
	if err != nil {
		return err
	}
	return reply(w, stackOf(st, false))
}

// graphFor is the graph that a start asks for.
func (h *Handler) graphFor(in StartRequest) (*graph.Graph, []byte, error) {
	switch {
	case in.Graph == "" && in.Def == nil:
		return nil, nil, errorf(CodeUsage, "expected a graph: the name of one that is served")
	case in.Graph != "" && in.Def != nil:
		return nil, nil, errorf(CodeUsage, "graph and def are two graphs: give one of them")
	case in.Graph != "":
		return h.served(in.Graph)
	case !h.o.Door.Trusted:
		return nil, nil, errorf(CodeForbidden, "definitions are taken through the control socket only: name a graph that is served")
	}
	var def graph.Def
	if err := json.Unmarshal(in.Def, &def); err != nil {
		return nil, nil, errorf(CodeUsage, "def is not a graph: %v", err)
	}
	g, problems := graph.Compile(def, h.o.Kinds)
	if err := problems.Err(); err != nil {
		return nil, nil, &Error{CodeGraph, err.Error()}
	}
	return g, []byte(in.Source), nil
}

// served is a graph that this engine serves.
func (h *Handler) served(name string) (*graph.Graph, []byte, error) {
	if h.o.Graphs == nil {
		return nil, nil, errorf(CodeUsage, "unknown graph %q: nobody serves graphs here (give its file)", name)
	}
	g, source, ok := h.o.Graphs.Graph(name)
	if !ok {
		return nil, nil, errorf(CodeUsage, "unknown graph %q, there are: %s", name, strings.Join(h.o.Graphs.Names(), ", "))
	}
	return g, source, nil
}

func (h *Handler) send(w http.ResponseWriter, r *http.Request, p params) error {
	var in EventRequest
	if err := decode(w, r, h.o.MaxBody, &in); err != nil {
		return err
	}
	if in.Event == "" {
		return errorf(CodeUsage, "expected an event: its name")
	}
	duplicate, err := h.rt.Send(r.Context(), runtime.Send{Stack: p["stack"], Event: in.Event, Payload: in.Payload.V, ID: in.ID})
	if err != nil {
		return err
	}
	return reply(w, EventReply{p["stack"], in.Event, duplicate})
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, p params) error {
	var in AnswerRequest
	if err := decode(w, r, h.o.MaxBody, &in); err != nil {
		return err
	}
	if in.Node == "" || in.Approved == nil {
		return errorf(CodeUsage, "expected node and approved: who is answered, and true or false")
	}
	st, err := h.rt.Status(r.Context(), p["stack"])
	if err != nil {
		return err
	}
	for _, node := range st.Cursor.Waiting {
		if node.Node == in.Node && node.Kind == "wait" {
			return errorf(CodeConflict, "%q waits for an event or a time, nobody is asked", in.Node)
		}
	}
	out := map[string]any{"approved": *in.Approved}
	for name, text := range map[string]*string{"comment": in.Comment, "by": in.By} {
		if text != nil {
			out[name] = *text
		}
	}
	if in.Value != nil {
		out["value"] = in.Value.V
	}
	return done(w, h.rt.Answer(r.Context(), p["stack"], in.Node, out))
}

// told makes a route of a call that takes a stack and nothing else.
func (h *Handler) told(w http.ResponseWriter, r *http.Request, call func() error) error {
	if err := decode(w, r, h.o.MaxBody, &nothing{}); err != nil {
		return err
	}
	return done(w, call())
}

func (h *Handler) wake(w http.ResponseWriter, r *http.Request, p params) error {
	return h.told(w, r, func() error { return h.rt.Wake(r.Context(), p["stack"]) })
}

func (h *Handler) pause(w http.ResponseWriter, r *http.Request, p params) error {
	return h.told(w, r, func() error { return h.rt.Pause(r.Context(), p["stack"]) })
}

func (h *Handler) resume(w http.ResponseWriter, r *http.Request, p params) error {
	return h.told(w, r, func() error { return h.rt.Unpause(r.Context(), p["stack"]) })
}

func (h *Handler) stop(w http.ResponseWriter, r *http.Request, p params) error {
	return h.told(w, r, func() error { return h.rt.End(r.Context(), p["stack"]) })
}

func (h *Handler) remove(w http.ResponseWriter, r *http.Request, p params) error {
	return h.told(w, r, func() error { return h.rt.Remove(r.Context(), p["stack"]) })
}

func (h *Handler) cancel(w http.ResponseWriter, r *http.Request, p params) error {
	var in CancelRequest
	if err := decode(w, r, h.o.MaxBody, &in); err != nil {
		return err
	}
	switch {
	case in.Node != "":
		return done(w, h.rt.CancelTask(r.Context(), p["stack"], in.Node, in.Item))
	case in.Item != "":
		return errorf(CodeUsage, "item %q: expected node too", in.Item)
	}
	return done(w, h.rt.Cancel(r.Context(), p["stack"], in.Reason))
}

func (h *Handler) setPool(w http.ResponseWriter, r *http.Request, p params) error {
	var in PoolRequest
	if err := decode(w, r, h.o.MaxBody, &in); err != nil {
		return err
	}
	if in.Parallel == nil || *in.Parallel < 0 {
		return errorf(CodeUsage, "expected parallel: 0 (hold) or more")
	}
	return done(w, h.rt.SetPool(p["name"], p["pool"], *in.Parallel))
}

func (h *Handler) reload(w http.ResponseWriter, r *http.Request, _ params) error {
	if err := decode(w, r, h.o.MaxBody, &nothing{}); err != nil {
		return err
	}
	if h.o.Graphs == nil {
		return errorf(CodeConflict, "this engine serves no graph files: `graphrun serve` does")
	}
	out, err := h.o.Graphs.Reload(r.Context())
	if err != nil {
		return err
	}
	return reply(w, out)
}

func (h *Handler) backup(w http.ResponseWriter, r *http.Request, _ params) error {
	var in FileRequest
	if err := decode(w, r, h.o.MaxBody, &in); err != nil {
		return err
	}
	if h.o.Backup == nil {
		return errorf(CodeConflict, "this store cannot be copied")
	}
	return done(w, h.o.Backup(r.Context(), in.File))
}
