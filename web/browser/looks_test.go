package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/graphrun/graphrun/runtime/api"
)

// failing has a node that fails with a message of its params, and one that takes the failure.
const failing = `graphrun: 1
name: failing
params:
  message: {type: string, default: nothing works}
state:
  done: {type: boolean, default: false}
nodes:
  try:   {uses: fail, with: {message: "${{ params.message }}"}, retry: {attempts: 2, backoff: 1ms}}
  after: {uses: set, with: {done: true}, writes: {done: output.done}}
edges:
  - {to: try, when: not state.done}
  - {from: try, to: after, outcome: failure}
pause: 1h
stop:
  - {when: state.done, status: failed, reason: it gave up}
`

// all fills a server with stacks in all states, and gives the pages that show them.
func (s *server) all(t *testing.T, text string) []string {
	t.Helper()
	s.asked.Store(busy(text))
	s.start(t, "asking", "asks", map[string]any{"question": text})
	s.start(t, "failing", "fails", map[string]any{"message": text})
	s.start(t, "sorting", "sorts", nil)
	s.letter(t, "sorts", text)
	s.start(t, "asking", "rests", map[string]any{"question": text})
	if err := s.client.Pause(t.Context(), "rests"); err != nil {
		t.Fatal(err)
	}
	s.letter(t, "rests", text)
	s.start(t, "asking", "over", nil)
	if err := s.client.Cancel(t.Context(), "over", api.CancelRequest{Reason: text}); err != nil {
		t.Fatal(err)
	}
	s.start(t, "board", "board", nil)
	return []string{"/", "/stacks/board?node=each", "/graphs/board?in=each", "/stacks/asks?node=ask", "/stacks/fails?node=after&edge=0", "/stacks/sorts?at=1.0&node=keep", "/stacks/rests", "/stacks/over",
		"/stacks/sorts/test", "/approvals", "/graphs", "/graphs/sorting", "/graphs/asking?plan=1", "/pools", "/stacks/none", "/sign-in"}
}

// violations are what axe-core finds wrong with a page.
const violations = `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | "))))`

// TestLooks: at three widths and in both schemes no page has a violation that axe-core
// finds, and none is wider than the screen.
func TestLooks(t *testing.T) {
	t.Parallel()
	chromium(t)
	file := os.Getenv("AXE")
	if file == "" {
		t.Skip("SKIPPED: it needs axe-core, which `make browser` brings where there is npm")
	}
	axe, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, append(board, asking, failing, sorting)...)
	paths := s.all(t, "a question of some length, so that lines have to break somewhere: "+strings.Repeat("word ", 30)+strings.Repeat("x", 200))
	for _, width := range []int64{390, 800, 1600} { // one after the other: axe-core keeps a core busy
		for _, dark := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d,dark=%v", width, dark), func(t *testing.T) {
				p := s.open(t, look{width: width, height: 900, dark: dark})
				for i, path := range paths {
					p.visit(path)
					p.until(`!document.querySelector("#graph[aria-busy]")`)
					if wide := value[float64](p, `document.documentElement.scrollWidth`); wide > float64(width) {
						t.Errorf("%s is %v wide", path, wide)
					}
					p.do(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil), chromedp.Evaluate(string(axe), nil))
					var found string
					p.do(chromedp.Evaluate(violations, &found, chromedp.EvalAsValue, awaited))
					var list []string
					if err := json.Unmarshal([]byte(found), &list); err != nil {
						t.Fatal(err)
					}
					for _, v := range list {
						t.Errorf("%s: %s", path, v)
					}
					p.shoot(fmt.Sprintf("looks-%d-%v-%02d", width, dark, i))
				}
				p.forgive("404")
			})
		}
	}
}

// nasty are texts that would run, load or hide something if a page took them for more
// than text.
var nasty = []string{
	`<script>window.ran = 1</script>`,
	`"><img src=x onerror="window.ran = 2">`,
	`'><svg onload=window.ran=3>`,
	`</pre></textarea></title><script>window.ran = 4</script>`,
	`{{.}}{{"</script>"}}<iframe srcdoc="<script>parent.ran=5</script>">`,
	`<a href="javascript:window.ran=6" id="main">x</a>`,
	`<div hx-get="/v1/server" hx-trigger="load" hx-on::load="window.ran=7">x</div>`,
	`<form action="https://evil.example/"><button>x</button></form>`,
	`<meta http-equiv="refresh" content="0;url=https://evil.example/">`,
	`<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>`,
	"\u202e<b>\u0000\u2028</b>",
	`&lt;img src=x onerror=window.ran=8&gt;`,
	"`${window.ran=9}` ${{ 1 }} <!-- --> ]]> ",
}

// TestTexts: whatever people and programs write is shown as text.
func TestTexts(t *testing.T) {
	t.Parallel()
	chromium(t)
	text := strings.ReplaceAll(strings.Join(nasty, "\n"), "\u0000", "")
	s := newServer(t, append(board, asking, failing, sorting)...)
	paths := s.all(t, text)
	p := s.open(t, look{})
	for _, path := range paths {
		p.visit(path)
		p.until(`!document.querySelector("#graph[aria-busy]")`)
		p.do(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil))
		if ran := value[any](p, `window.ran ?? null`); ran != nil {
			t.Errorf("%s ran text %v", path, ran)
		}
		if n := value[float64](p, `document.querySelectorAll("main script, main iframe, main img, main style, main link, main meta, main b#x, [onerror], [onload], a[href^=javascript], [action^=https]").length`); n != 0 {
			t.Errorf("%s has %v elements of a text", path, n)
		}
		if n := value[float64](p, `document.querySelectorAll("#main").length`); n != 1 {
			t.Errorf("%s has %v contents", path, n)
		}
	}
	p.forgive("404")
	p.visit("/stacks/asks")
	if got := value[string](p, `document.querySelector(".ask .prompt").textContent`); got != text {
		t.Errorf("the question is shown as %q, want %q", got, text)
	}
}
