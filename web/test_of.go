package web

import (
	"errors"
	"net/http"

	"github.com/graphrun/graphrun/runtime/api"
)

type testView struct {
	Stack  string
	Path   string // of the stack's page
	Cycles string // as the form has them
	Text   string // of the test file; "" if there is none
	File   string // its text as a file
	Name   string // of that file
}

// testOf is the page with what a stack did as a test file, as `test --from` prints it.
func (v *visit) testOf() error {
	id, cycles := v.r.PathValue("stack"), v.r.URL.Query().Get("cycles")
	view := testView{Stack: id, Path: pathTo(id), Cycles: cycles, Name: id + ".test.yaml"}
	view.File = view.Path + "/test.yaml?" + v.r.URL.RawQuery
	f := frame{Page: "test", Title: "A test of " + id}
	status := http.StatusOK
	text, err := v.api.Test(v.r.Context(), id, cycles)
	var e *api.Error
	switch {
	case errors.As(err, &e) && e.Code == api.CodeUsage: // the form mends it
		f.Error, status = e.Message, e.Status()
	case err != nil:
		return err
	}
	view.Text = string(text)
	f.View = view
	return v.write(status, f)
}

// testFile is the same as a file.
func (v *visit) testFile() error {
	id := v.r.PathValue("stack")
	text, err := v.api.Test(v.r.Context(), id, v.r.URL.Query().Get("cycles"))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/yaml")
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+id+`.test.yaml"`) // ids are plain
	_, _ = v.w.Write(text)                                                             // a browser that has gone needs no answer
	return nil
}
