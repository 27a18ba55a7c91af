package serve_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/serve"
)

// TestPost: what a hook gets, and which answers count.
func TestPost(t *testing.T) {
	t.Parallel()
	answer := make(chan int, 1)
	got := make(chan *http.Request, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		sum := hmac.New(sha256.New, []byte("hush"))
		sum.Write(body)
		if err != nil || string(body) != `{"id":"1"}` || r.Header.Get("Graphrun-Signature") != "sha256="+hex.EncodeToString(sum.Sum(nil)) {
			t.Errorf("got %s with %s: %v", body, r.Header.Get("Graphrun-Signature"), err)
		}
		got <- r
		status := <-answer
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	n := serve.Notices(nil, func(name string) (string, bool) { return "hush", name == "KEY" })
	notice := runtime.Notice{ID: "1", Event: "stack.ended", URL: s.URL, Secret: "KEY", Body: []byte(`{"id":"1"}`)}
	for status, taken := range map[int]bool{200: true, 202: true, 204: true, 302: false, 400: false, 503: false} {
		answer <- status
		err := n.Post(t.Context(), notice)
		if r := <-got; r.Header.Get("Graphrun-Delivery") != "1" || r.Header.Get("Graphrun-Event") != "stack.ended" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the headers are %v", r.Header)
		}
		if (err == nil) != taken {
			t.Errorf("%d: %v", status, err)
		}
	}
	notice.Secret = "NONE"
	if err := n.Post(t.Context(), notice); err == nil || !strings.Contains(err.Error(), "NONE is not set") {
		t.Errorf("without its secret: %v", err)
	}
}

// TestServeHooks: a server tells the hook of all graphs that a stack has ended.
func TestServeHooks(t *testing.T) {
	t.Parallel()
	told := make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- r.Header.Get("Graphrun-Event") + " " + string(body)
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	write(t, dir, "tick.graphrun.yaml", tick)
	o := options(t, memstore.New(), load(t, dir))
	o.Secret = func(name string) (string, bool) { return "hush", name == serve.HookSecret }
	o.Hooks = []string{s.URL}
	end := begin(t, o)
	c := connect(t, o.Path)
	if _, err := c.Start(t.Context(), api.StartRequest{Graph: "tick", Stack: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Cancel(t.Context(), "a", api.CancelRequest{Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	if text := <-told; !strings.HasPrefix(text, "stack.ended {") || !strings.Contains(text, `"reason":"enough"`) {
		t.Error(text)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
