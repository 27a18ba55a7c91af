package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/runtime/api"
)

// posts finds the forms that change something.
var posts = regexp.MustCompile(`<form hx-boost="true" action="([^"]*)" method="post"`)

// TestRoles: a page shows the forms that the role of its token may send, and no other: one
// that reads sees all pages, without a form in them.
func TestRoles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.asks("a", "go?")
	r.asks("over", "go?")
	r.signIn()
	r.send("POST", "/stacks/over/cancel", url.Values{}, nil)
	want := map[api.Role]string{
		api.RoleRead:    "",
		api.RoleOperate: "/stacks/a/pause /stacks/a/stop /stacks/a/cancel /stacks/a/answer /stacks/a/fork /stacks/over/retry /stacks/over/fork /stacks/a/answer /pools",
	}
	want[api.RoleAdmin] = want[api.RoleOperate]
	for _, role := range api.Roles {
		secret, err := r.tokens.Add("a-"+string(role), role, "")
		if err != nil {
			t.Fatal(err)
		}
		r.cookies = nil
		r.signInWith(secret)
		var found []string
		for _, path := range []string{"/", "/stacks/a", "/stacks/over", "/approvals", "/graphs", "/pools"} {
			w := r.send("GET", path, nil, nil)
			page := w.Body.String()
			if w.Code != http.StatusOK {
				t.Errorf("%s: GET %s: %d", role, path, w.Code)
			}
			if says := strings.Contains(page, `id="reads"`); says != (role == api.RoleRead) {
				t.Errorf("%s: %s says that it only reads: %v", role, path, says)
			}
			for _, form := range posts.FindAllStringSubmatch(page, -1) {
				if form[1] != "/sign-out" {
					found = append(found, form[1])
				}
			}
		}
		if got := strings.Join(found, " "); got != want[role] {
			t.Errorf("%s has the forms\n%s\nwant\n%s", role, got, want[role])
		}
		for _, action := range []string{"/stacks/a/answer", "/stacks/a/fork", "/pools"} { // of a stack they are incomplete, and change nothing
			if w := r.send("POST", action, url.Values{"graph": {"asking"}, "pool": {"default"}, "parallel": {"1"}}, nil); (w.Code == http.StatusForbidden) != (role == api.RoleRead) {
				t.Errorf("%s: POST %s: %d", role, action, w.Code)
			}
		}
	}
}

// TestTokenOfGraph: a token of one graph sees the pools of that graph, no providers, which
// graphs share, and no test of another graph's stack.
func TestTokenOfGraph(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.asks("a", "go?")
	for graph, want := range map[string]int{"": http.StatusOK, "asking": http.StatusOK, "other": http.StatusNotFound} {
		secret, err := r.tokens.Add("of-"+graph, api.RoleRead, graph)
		if err != nil {
			t.Fatal(err)
		}
		r.cookies = nil
		r.signInWith(secret)
		w := r.send("GET", "/pools", nil, nil)
		if shows := strings.Contains(w.Body.String(), `id="providers"`); w.Code != http.StatusOK || shows != (graph == "") {
			t.Errorf("token of %q: %d, providers: %v", graph, w.Code, shows)
		}
		if shows := strings.Contains(w.Body.String(), `id="pool-asking-default"`); shows != (want == http.StatusOK) {
			t.Errorf("token of %q sees the pool: %v", graph, shows)
		}
		for _, path := range []string{"/stacks/a", "/stacks/a/test?cycles=1", "/stacks/a/test.yaml?cycles=1"} {
			w := r.send("GET", path, nil, nil)
			if unfinished := strings.Contains(path, "/test") && w.Code == http.StatusBadRequest; w.Code != want && !(unfinished && want == http.StatusOK) {
				t.Errorf("token of %q: %s: %d", graph, path, w.Code)
			}
		}
	}
}
