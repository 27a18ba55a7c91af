package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

// files are the templates, and what web/assets/build.mjs makes of the scripts and styles.
//
//go:embed templates/*.html static/*
var files embed.FS

// pages are the templates, parsed when a page is asked for: most processes show none.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(words).ParseFS(files, "templates/*.html"))
})

// frame is what every page has around its content.
type frame struct {
	Page    string // the template of the content
	Title   string
	Stamp   string // made sets it
	Live    string // the stream that tells of changes; "" for none
	Version string // of what the page shows, as that stream counts
	Error   string // what went wrong with the form that was sent
	Reads   bool   // the session sees, and changes nothing
	View    any
}

// show answers with a page that has no navigation.
func (h *Handler) show(w http.ResponseWriter, status int, name string, view any) {
	page, err := made(frame{Page: name, Title: name, View: view})
	if err != nil {
		http.Error(w, "the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page) // a browser that has gone needs no answer
}

// write answers whoever is signed in with a page, without the parts that the browser says it
// has.
func (v *visit) write(status int, f frame) error {
	f.Reads = !v.operates()
	page, err := made(f)
	if err != nil {
		return err
	}
	answer(v.w, v.r, status, "text/html; charset=utf-8", v.parts.assemble(page, partsIn(v.r)))
	return nil
}

func made(f frame) ([]byte, error) {
	f.Stamp = stamp()
	var b bytes.Buffer
	err := pages().ExecuteTemplate(&b, f.Page, f)
	return b.Bytes(), err
}

// operates reports whether the session may do more than look. Pages show no form that would
// be refused.
func (v *visit) operates() bool { return v.who.Has(api.RoleOperate) }

// fail answers with a page that says what went wrong.
func (h *Handler) fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var e *api.Error
	switch {
	case errors.As(err, &e):
		status = e.Status()
	case errors.Is(err, journal.ErrNotFound):
		status = http.StatusNotFound
	}
	h.show(w, status, "error", struct {
		Status  int
		Message string
	}{status, err.Error()})
}
