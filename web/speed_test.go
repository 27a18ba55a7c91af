package web_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
)

// unpacked is the text of an answer that is compressed.
func unpacked(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if got := w.Header().Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("the answer's encoding is %q", got)
	}
	r, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var gzipped = map[string]string{"Accept-Encoding": "br, gzip"}

// TestStatic: a browser gets scripts and styles compressed and keeps them for ever. Without
// their stamp it asks each time, and gets only what is new.
func TestStatic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	page := r.send("GET", "/sign-in", nil, nil).Body.String()
	link := regexp.MustCompile(`/static/app\.js\?v=[0-9a-f]+`).FindString(page)
	w := r.send("GET", link, nil, gzipped)
	if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("%s is kept as %q", link, got)
	}
	plain := r.send("GET", "/static/app.js", nil, nil)
	if unpacked(t, w) != plain.Body.String() || w.Body.Len() >= plain.Body.Len()/2 {
		t.Errorf("the script has %d bytes, and %d compressed", plain.Body.Len(), w.Body.Len())
	}
	tag := plain.Header().Get("ETag")
	if tag == "" || tag == w.Header().Get("ETag") {
		t.Errorf("the tags are %q, and %q compressed", tag, w.Header().Get("ETag"))
	}
	if w := r.send("GET", "/static/app.js", nil, map[string]string{"If-None-Match": tag}); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("what the browser has: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := r.send("GET", "/static/app.js", nil, map[string]string{"Accept-Encoding": "gzip;q=0"}); w.Header().Get("Content-Encoding") != "" {
		t.Error("a client that refuses gzip got it")
	}
}

var partName = regexp.MustCompile(`id="([^"]*)" data-part="([^"]*)"`)

// TestParts: a page that the browser has is sent without the parts that are the same; what
// changed is there, and nothing else.
func TestParts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	for _, id := range []string{"a", "b", "c"} {
		r.asks(id, "go "+id+"?")
	}
	page := unpacked(t, r.send("GET", "/", nil, gzipped))
	var have []string
	for _, m := range partName.FindAllStringSubmatch(page, -1) {
		have = append(have, m[2])
	}
	if len(have) < 5 || strings.Contains(page, "data-same") || strings.Contains(page, "\x00") {
		t.Fatalf("the page has the parts %v:\n%s", have, page)
	}
	known := map[string]string{"X-Parts": strings.Join(have, " ")}
	if again := r.send("GET", "/", nil, known).Body.String(); strings.Contains(again, "go a?") || !strings.Contains(again, `data-same></div>`) {
		t.Errorf("a page without a change is sent as:\n%s", again)
	}
	r.send("POST", "/stacks/b/cancel", url.Values{"reason": {"enough"}}, nil)
	again := r.send("GET", "/", nil, known).Body.String()
	if !strings.Contains(again, "enough") || strings.Contains(again, "go a?") || !strings.Contains(again, `id="row-c"`) {
		t.Errorf("after a change of one stack:\n%s", again)
	}
	whole := r.send("GET", "/", nil, nil).Body.String()
	if !strings.Contains(whole, "enough") || !strings.Contains(whole, "go a?") {
		t.Errorf("the whole page:\n%s", whole)
	}
}

// TestCompiledOnce: however often pages show stacks of a graph, it is compiled once.
func TestCompiledOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	for _, id := range []string{"a", "b"} {
		r.asks(id, "go?")
	}
	for range 3 {
		for _, path := range []string{"/stacks/a", "/stacks/b", "/stacks/a?at=1&node=ask"} {
			if w := r.send("GET", path, nil, nil); w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
	if n := r.texts.Load(); n != 1 {
		t.Errorf("it was compiled %d times", n)
	}
}

// TestShape: the shape of a drawing is where the page says, and is kept by the browser.
func TestShape(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	r.asks("a", "go?")
	page := r.send("GET", "/stacks/a", nil, nil).Body.String()
	link := regexp.MustCompile(`/shapes/[0-9a-f]+`).FindString(page)
	w := r.send("GET", link, nil, nil)
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "private") || !strings.Contains(w.Body.String(), `{"id":"ask"`) {
		t.Errorf("%s: %d %s", link, w.Code, w.Body)
	}
	if w := r.send("GET", "/shapes/0", nil, nil); w.Code != http.StatusNotFound {
		t.Errorf("a shape of no page: %d", w.Code)
	}
	r.cookies = nil
	if w := r.send("GET", link, nil, nil); w.Code == http.StatusOK {
		t.Error("a shape is shown without a session")
	}
}

// TestNotes: a long note is cut, and whole where a pointer rests on it.
func TestNotes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	long := strings.Repeat("x", 400)
	r.asks("a", long)
	page := r.send("GET", "/", nil, nil).Body.String()
	if !strings.Contains(page, `<span class="two" title="`+long+`">`) || strings.Contains(page, ">"+long) {
		t.Errorf("the note is not cut:\n%s", page)
	}
}

// TestLongLists: many nodes are listed where that is wanted, and few at once.
func TestLongLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	p := diag.Plain
	def := graph.Def{
		Version: 1, Name: p("wide"), Pause: graph.PauseDef{None: true},
		Nodes: []graph.NodeDef{{ID: p("ask"), Uses: p("approval"), With: tree.Of(map[string]any{"prompt": "go?"})}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("ask")}}},
	}
	for i := range 45 {
		id := p(fmt.Sprintf("n%02d", i))
		def.Nodes = append(def.Nodes, graph.NodeDef{ID: id, Uses: p("set"), With: tree.Of(map[string]any{"n": 1.0})})
		def.Edges = append(def.Edges, graph.EdgeDef{From: []diag.Text{p("ask")}, To: []diag.Text{id}})
	}
	g, problems := graph.Compile(def, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	waits := make(chan struct{}, 1)
	defer r.rt.Feed().OnCommit("a", newsOfWaiting(waits))()
	if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	<-waits
	page := r.send("GET", "/stacks/a", nil, nil).Body.String()
	if strings.Contains(page, `id="node-n44"`) || !strings.Contains(page, `data-more="/stacks/a?all=1"`) {
		t.Errorf("46 nodes are listed without being asked for:\n%s", page)
	}
	whole := r.send("GET", "/stacks/a?all=1", nil, nil).Body.String()
	if !strings.Contains(whole, `id="node-n44"`) || strings.Contains(whole, "data-more") {
		t.Errorf("the whole list:\n%s", whole)
	}
	r.asks("b", "go?")
	if few := r.send("GET", "/stacks/b", nil, nil).Body.String(); !strings.Contains(few, `id="node-ask"`) {
		t.Errorf("one node is not listed:\n%s", few)
	}
}
