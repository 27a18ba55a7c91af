package api

import (
	"errors"
	"net/http"
)

// errGone: the client does not read any more.
var errGone = errors.New("api: the client has gone")

// pieces is an answer that is written piece by piece. The first piece begins it:
// until then an error is still answered as one.
type pieces struct {
	w     http.ResponseWriter
	kind  string // its content type
	begun bool
}

func newPieces(w http.ResponseWriter, kind string) *pieces { return &pieces{w: w, kind: kind} }

// begin sends the head of the answer.
func (p *pieces) begin() {
	if p.begun {
		return
	}
	p.begun = true
	p.w.Header().Set("Content-Type", p.kind)
	p.w.WriteHeader(http.StatusOK)
}

// write gives the client a while for each piece; errGone when it takes none.
func (p *pieces) write(b []byte) error {
	p.begin()
	giveTime(p.w)
	if _, err := p.w.Write(b); err != nil {
		return errGone
	}
	return nil
}

// flush sends what is written; errGone when the client takes nothing.
func (p *pieces) flush() error {
	p.begin()
	if http.NewResponseController(p.w).Flush() != nil {
		return errGone
	}
	return nil
}

// end returns the error that is still to be answered. After the first piece it is
// too late for that: the connection breaks, so that a client does not take what it
// has for the whole.
func (p *pieces) end(err error) error {
	switch {
	case err == nil || errors.Is(err, errGone):
		giveTime(p.w) // for what is still on its way
		return nil
	case !p.begun:
		return err
	}
	if w, ok := p.w.(*pipeWriter); ok {
		_ = w.out.CloseWithError(err) // a pipe's does not fail
		return nil
	}
	panic(http.ErrAbortHandler)
}
