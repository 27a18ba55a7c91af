package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// hooked is the counter with webhooks.
func hooked(t *testing.T) *graph.Graph {
	t.Helper()
	p := diag.Plain
	def := *counter(t).Def
	def.Name, def.Secrets = p("hooked"), []diag.Text{p("KEY"), p("EMPTY")}
	def.Webhooks = []graph.WebhookDef{
		{Name: p("push"), Secret: p("KEY"), To: p("body.stack"), Event: p("seen"), Payload: p("body.seen"), ID: p(`headers["x-delivery"]`)},
		{Name: p("ask"), Secret: p("KEY"), To: p("query.stack"), Event: p("seen"), Payload: p("[string(body)]")},
		{Name: p("open"), Secret: p("EMPTY"), To: p("body.stack"), Event: p("seen"), Payload: p("body.seen")},
	}
	g, problems := graph.Compile(def, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

func signature(key, body string) string {
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(sum.Sum(nil))
}

// TestWebhook: what a request of another service comes to. Only one that is signed does anything.
func TestWebhook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := hooked(t)
	secrets := func(name string) (string, bool) {
		v, ok := map[string]string{"KEY": "key", "EMPTY": ""}[name]
		return v, ok
	}
	r.options.Graphs, r.options.Secret = served{"counter": counter(t), "hooked": g}, secrets
	r.options.MaxBody = 1000
	for id, of := range map[string]*graph.Graph{"a": g, "c": counter(t), "over": g} {
		if _, err := r.rt.Start(t.Context(), of, runtime.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.rt.Cancel(t.Context(), "over", ""); err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Token: secret})
	for _, c := range []struct {
		name, path, body, signature string
		header                      map[string]string
		code                        int
		has                         string
	}{
		{"good", "hooked/push", `{"stack":"a","seen":["x"]}`, "key", map[string]string{"X-Delivery": "1"}, 202, `{"stack":"a","event":"seen","duplicate":false}`},
		{"again", "hooked/push", `{"stack":"a","seen":["x"]}`, "key", map[string]string{"X-Delivery": "1"}, 202, `"duplicate":true`},
		{"query and text", "hooked/ask?stack=a&other=1", `plain`, "key", map[string]string{"Content-Type": "text/plain"}, 202, `"duplicate":false`},
		{"unsigned", "hooked/push", `{"stack":"a","seen":["x"]}`, "", nil, 401, "X-Hub-Signature-256"},
		{"wrong key", "hooked/push", `{"stack":"a","seen":["x"]}`, "yek", nil, 401, ""},
		{"empty secret", "hooked/open", `{"stack":"a","seen":["x"]}`, "empty", nil, 401, ""},
		{"rubbish", "hooked/push", `{`, "", map[string]string{"X-Hub-Signature-256": "sha256=zz"}, 401, ""},
		{"unknown graph", "nope/push", `{}`, "key", nil, 404, ""},
		{"unknown webhook", "hooked/nope", `{}`, "key", nil, 404, ""},
		{"graph without any", "counter/push", `{}`, "key", nil, 404, ""},
		{"unknown stack", "hooked/push", `{"stack":"b","seen":["x"]}`, "key", nil, 404, `no stack \"b\"`},
		{"stack of another graph", "hooked/push", `{"stack":"c","seen":["x"]}`, "key", nil, 404, `no stack \"c\"`},
		{"ended", "hooked/push", `{"stack":"over","seen":["x"]}`, "key", nil, 409, "ended"},
		{"no JSON", "hooked/push", `{"stack":`, "key", nil, 422, "not JSON"},
		{"not UTF-8", "hooked/push", "{\"stack\":\"\xff\"}", "key", nil, 422, "UTF-8"},
		{"no stack", "hooked/push", `{"seen":["x"]}`, "key", nil, 422, "to: "},
		{"another payload", "hooked/push", `{"stack":"a","seen":[1]}`, "key", nil, 422, "payload: "},
		{"large", "hooked/push", `{"stack":"a","seen":["` + strings.Repeat("x", 1000) + `"]}`, "key", nil, 413, ""},
	} {
		req := httptest.NewRequest("POST", "http://localhost/v1/hooks/"+c.path, strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/json")
		switch c.signature {
		case "":
		case "empty":
			req.Header.Set("X-Hub-Signature-256", signature("", c.body))
		default:
			req.Header.Set("X-Hub-Signature-256", signature(c.signature, c.body))
		}
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s: %d, want %d with %q: %s", c.name, w.Code, c.code, c.has, w.Body)
		}
	}
	var by []string
	if err := r.store.Records(t.Context(), "a", journal.Want{Types: []string{"event.received"}}, func(rec journal.Record) error {
		by = append(by, rec.Body.(*journal.EventReceived).By)
		return nil
	}); err != nil || strings.Join(by, " ") != "hook/push hook/ask" {
		t.Errorf("the events are by %q: %v", by, err)
	}
	if w := ask(h, http.MethodGet, "/v1/hooks/hooked/push", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("GET: %d", w.Code)
	}
}
