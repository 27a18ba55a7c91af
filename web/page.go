package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

// files are the templates, and what web/assets/build.mjs makes of the scripts and styles.
//
//go:embed templates/*.html static/*
var files embed.FS

// stamp names the state of the static files, so that browsers may keep them for ever.
var stamp = stampOf(files)

var pages = template.Must(template.New("").Funcs(words).ParseFS(files, "templates/*.html"))

func stampOf(all fs.FS) string {
	h := sha256.New()
	names, err := fs.Glob(all, "static/*")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	for _, name := range names {
		b, err := fs.ReadFile(all, name)
		if err != nil {
			panic(err) // it is in the program
		}
		h.Write([]byte(name))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// static serves scripts and styles. They need no session: they are the same for everybody.
func (h *Handler) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	b, err := files.ReadFile("static/" + name)
	if err != nil {
		h.fail(w, &api.Error{Code: api.CodeNotFound, Message: "there is no such file"})
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	if r.URL.Query().Get("v") == stamp {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b) // a browser that has gone needs no answer
}

// frame is what every page has around its content.
type frame struct {
	Page    string // the template of the content
	Title   string
	Stamp   string
	Live    string // the stream that tells of changes; "" for none
	Version string // of what the page shows, as that stream counts
	Error   string // what went wrong with the form that was sent
	Reads   bool   // the session sees, and changes nothing
	View    any
}

// show answers with a page that has no navigation.
func (h *Handler) show(w http.ResponseWriter, status int, name string, view any) {
	h.write(w, status, frame{Page: name, Title: name, Stamp: stamp, View: view})
}

func (h *Handler) write(w http.ResponseWriter, status int, f frame) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, f.Page, f); err != nil {
		http.Error(w, "the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that has gone needs no answer
}

// write shows a page to whoever is signed in.
func (v *visit) write(w http.ResponseWriter, status int, f frame) {
	f.Reads = !v.operates()
	v.Handler.write(w, status, f)
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
