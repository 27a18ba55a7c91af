package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/tree"
)

// elements lists the elements of an XML text, and joins its texts.
func elements(t *testing.T, text []byte) (names map[string]int, chars string) {
	t.Helper()
	names = map[string]int{}
	for dec := xml.NewDecoder(bytes.NewReader(text)); ; {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return names, chars
		}
		if err != nil {
			t.Fatalf("it is no XML: %v\n%s", err, text)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			names[tok.Name.Local]++
			if tok.Name.Local != "svg" {
				for _, a := range tok.Attr {
					if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
						t.Errorf("an element has %s", a.Name.Local)
					}
				}
			}
		case xml.CharData:
			chars += string(tok)
		}
	}
}

// TestSVGEscapes: texts of a graph stay texts.
func TestSVGEscapes(t *testing.T) {
	t.Parallel()
	const evil = `</title><script>alert("1")</script><a href='javascript:1'>&amp;` + "\x1b[0m\u202e"
	p := diag.Plain
	def := graph.Def{Version: 1, Name: p("evil"), Limits: graph.LimitsDef{Cycles: 1},
		State: []graph.KeyDef{{Name: p("s"), Type: tree.Of("string")}},
		Nodes: []graph.NodeDef{{ID: p("a"), Uses: p("set"), Description: evil}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("a")}, When: p("state.s != '</title><script>&'")}}}
	g, problems := graph.Compile(def, oneKind{})
	if g == nil {
		t.Fatal(problems)
	}
	x := &inspect.Explanation{Nodes: []inspect.ExplainedNode{{Node: "a", Status: `skipped" onload="1`, Reason: evil}}}
	var out bytes.Buffer
	if err := SVG(&out, g, x); err != nil {
		t.Fatal(err)
	}
	names, chars := elements(t, out.Bytes())
	if names["script"]+names["a"] > 0 || names["svg"] != 1 {
		t.Errorf("elements: %v", names)
	}
	if !strings.Contains(chars, `<script>alert("1")</script>`) || strings.ContainsAny(chars, "\x1b\u202e") {
		t.Errorf("texts: %q", chars)
	}
}

// TestSVGStates: nodes say what became of them, and edges whether they were live.
func TestSVGStates(t *testing.T) {
	t.Parallel()
	g := sample(t)
	yes, no := true, false
	edges := func(node string, live ...*bool) (all []inspect.ExplainedEdge) {
		i, _ := g.NodeByID(node)
		for k, in := range g.Nodes[i].In {
			all = append(all, inspect.ExplainedEdge{From: source(g, &g.Edges[in]), Live: live[k], Why: "false"})
		}
		return all
	}
	x := &inspect.Explanation{Nodes: []inspect.ExplainedNode{
		{Node: "end", Status: "succeeded", Edges: edges("end", &yes, nil)},
		{Node: "alert", Status: "skipped", Reason: "no-live-edge", Edges: edges("alert", &no)},
		{Node: "gone", Status: "failed"},
		{Node: "other", Status: "pending", Edges: edges("other", nil, nil)[:1]}, // it had fewer edges then
	}}
	var out bytes.Buffer
	if err := SVG(&out, g, x); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{
		`class="succeeded"`: 1, `class="skipped"`: 1, `class="pending"`: 1, `class="failed"`: 0, `class="live"`: 1, `class="dead"`: 1,
		"skipped: no-live-edge</text>": 1, "dead: false</title>": 1, `class="open"`: len(g.Edges) - 2,
	} {
		if got := strings.Count(out.String(), want); got != n {
			t.Errorf("%s is there %d times, want %d", want, got, n)
		}
	}
}

// TestLayoutKeepsApart: boxes of larger graphs do not overlap, stand within the drawing, and
// no edge runs through a node.
func TestLayoutKeepsApart(t *testing.T) {
	t.Parallel()
	p := diag.Plain
	for _, n := range []int{2, 30, 300} {
		def := graph.Def{Version: 1, Name: p("many"), Limits: graph.LimitsDef{Cycles: 1}}
		for i := range n {
			def.Nodes = append(def.Nodes, graph.NodeDef{ID: p(fmt.Sprintf("n%d", i)), Uses: p("set")})
			e := graph.EdgeDef{To: []diag.Text{p(fmt.Sprintf("n%d", i))}}
			if i > 3 {
				e.From = []diag.Text{p(fmt.Sprintf("n%d", i/3)), p(fmt.Sprintf("n%d", i*7%i))}
				if i%3 == 0 || i*7%i == i/3 {
					e.From = e.From[:1]
				}
			}
			def.Edges = append(def.Edges, e)
			if i%5 == 4 {
				def.Edges = append(def.Edges, graph.EdgeDef{From: e.To, To: []diag.Text{p(fmt.Sprintf("n%d", i/2))}, NextCycle: true})
			}
		}
		g, problems := graph.Compile(def, oneKind{})
		if g == nil {
			t.Fatal(problems)
		}
		l := arrange(g, func(int) (int, int) { return 80, nodeHeight }, func(i int) (string, int, int) {
			if i%2 == 0 {
				return "", 0, 0
			}
			return "label", 60, labelHeight
		})
		for _, row := range l.rows {
			for i, b := range row {
				box := &l.boxes[b]
				if box.x-box.w/2 < 0 || box.x+box.w/2 > l.w || box.y-box.h/2 < 0 || box.y+box.h/2 > l.h {
					t.Errorf("%d nodes: box %d is outside of the drawing", n, b)
				}
				if i > 0 {
					if left := &l.boxes[row[i-1]]; left.x+left.w/2 >= box.x-box.w/2 {
						t.Errorf("%d nodes: boxes %d and %d overlap", n, row[i-1], b)
					}
				}
			}
		}
		for _, r := range l.routes {
			for k := 1; k < len(r.boxes); k++ {
				if a, b := l.boxes[r.boxes[k-1]].row, l.boxes[r.boxes[k]].row; b != a+1 && a != b+1 {
					t.Errorf("%d nodes: edge %d goes from row %d to row %d", n, r.edge, a, b)
				}
			}
		}
	}
}

// TestOrderUncrosses: two edges that cross as they are declared are drawn without crossing.
func TestOrderUncrosses(t *testing.T) {
	t.Parallel()
	p := diag.Plain
	to := func(id string) []diag.Text { return []diag.Text{p(id)} }
	def := graph.Def{Version: 1, Name: p("crossed"), Limits: graph.LimitsDef{Cycles: 1}}
	for _, id := range []string{"a", "b", "c", "d"} {
		def.Nodes = append(def.Nodes, graph.NodeDef{ID: p(id), Uses: p("set")})
	}
	def.Edges = []graph.EdgeDef{{To: to("a")}, {To: to("b")}, {From: to("a"), To: to("d")}, {From: to("b"), To: to("c")}}
	g, problems := graph.Compile(def, oneKind{})
	if g == nil {
		t.Fatal(problems)
	}
	l := arrange(g, func(int) (int, int) { return 80, 40 }, func(int) (string, int, int) { return "", 0, 0 })
	if n := l.crossings(); n != 0 {
		t.Errorf("%d crossings", n)
	}
}
