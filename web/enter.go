package web

import (
	"net/http"
	"net/url"
	"strings"
)

type signInView struct {
	Next    string
	Message string
}

// askToSignIn answers a page that only somebody who is signed in may see.
func (h *Handler) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path != "/live" && r.Header.Get("X-Refresh") == "" && r.Header.Get("HX-Request") == "" {
		http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	h.show(w, http.StatusUnauthorized, "sign-in", signInView{Message: "Your session has ended: sign in again."})
}

func (h *Handler) signInPage(w http.ResponseWriter, r *http.Request) {
	h.show(w, http.StatusOK, "sign-in", signInView{Next: local(r.URL.Query().Get("next"))})
}

// signIn takes a token from the form. The API says whether it is one.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	token, next := strings.TrimSpace(r.PostFormValue("token")), local(r.PostFormValue("next"))
	if _, ok := h.o.API.Principal(token); !ok {
		h.show(w, http.StatusUnauthorized, "sign-in", signInView{next, "This token is not known here. It is in the file graphrun.db.token beside the store."})
		return
	}
	if err := h.begin(w, token); err != nil {
		h.fail(w, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) {
	h.end(w, r)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// enter signs in whoever comes by a one-time link.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request) {
	if !h.use(r.URL.Query().Get("code")) {
		h.show(w, http.StatusForbidden, "sign-in", signInView{"/", "This link was used, or is too old: graphrun open makes another one."})
		return
	}
	if err := h.begin(w, h.o.Token); err != nil {
		h.fail(w, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// local is where to go after signing in: a path of this server, by default "/".
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}
