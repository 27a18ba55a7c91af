package api

import (
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// State is a stack's state at a point of its history.
type State struct {
	Stack string `json:"stack"`
	Cycle uint64 `json:"cycle"`
	Wave  uint64 `json:"wave"`
	State Values `json:"state"`
}

func (h *Handler) stackState(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := queryOf(r, "at")
	if err != nil {
		return err
	}
	at, err := journal.ParsePoint(q["at"])
	if err != nil {
		return errorf(CodeUsage, "at %v", err)
	}
	ctx, id := r.Context(), p["stack"]
	then, err := runtime.At(ctx, h.o.Store, h.o.Kinds, id, at)
	if err != nil {
		return err
	}
	return reply(w, State{id, then.Point.Cycle, then.Point.Wave, then.State})
}

// snapshot is a whole stack, or with ?records=false one without its records, or
// with ?state=false only who it is and where it stands.
func (h *Handler) snapshot(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := queryOf(r, "state", "records")
	if err != nil {
		return err
	}
	var snap journal.Snapshot
	switch ctx, id := r.Context(), p["stack"]; {
	case q["state"] == "false":
		var sum runtime.Summary
		sum, err = h.o.Store.Stack(ctx, id)
		snap.Identity, snap.Cursor = sum.Identity, sum.Cursor
	case q["records"] == "false":
		snap, err = h.o.Store.State(ctx, id)
	default:
		snap, err = h.o.Store.Load(ctx, id)
	}
	return replySnapshot(w, snap, err)
}

// base is a stack as it was at the nearest checkpoint before ?at=CYCLE[.WAVE].
func (h *Handler) base(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := queryOf(r, "at")
	if err != nil {
		return err
	}
	at, err := journal.ParsePoint(q["at"])
	if err != nil {
		return errorf(CodeUsage, "at %v", err)
	}
	snap, err := h.o.Store.Base(r.Context(), p["stack"], at)
	return replySnapshot(w, snap, err)
}

func replySnapshot(w http.ResponseWriter, snap journal.Snapshot, err error) error {
	if err != nil {
		return err
	}
	return reply(w, snap)
}

// graphBody is a stored definition on the wire.
type graphBody struct {
	Hash   string          `json:"hash"`
	Name   string          `json:"name"`
	File   string          `json:"file"`
	Def    json.RawMessage `json:"def"`
	Source string          `json:"source"`
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (h *Handler) storedGraph(w http.ResponseWriter, r *http.Request, p params) error {
	if !hashForm.MatchString(p["hash"]) {
		return errorf(CodeUsage, "hash %q: expected 64 hex digits", p["hash"])
	}
	g, err := h.o.Store.Graph(r.Context(), p["hash"])
	if err != nil {
		return err
	}
	return reply(w, graphBody{g.Hash, g.Name, g.File, g.Def, string(g.Source)})
}
