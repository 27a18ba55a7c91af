package browser

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/graphrun/graphrun/runtime/api"
)

// asking asks a person, and counts the letters that come in.
const asking = `graphrun: 1
name: asking
description: Asks before it goes on.
params:
  question: {type: string, default: May it go on?}
state:
  verdict: {type: string, default: none}
  refused: {type: string, default: ""}
  approved: {type: boolean, default: false}
  letters: {type: list(string), reduce: append, keep: 100}
events:
  letter: {to: letters}
nodes:
  ask:  {uses: approval, with: {prompt: "${{ params.question }}"}, writes: {approved: output.approved}}
  yes:  {uses: set, with: {verdict: "yes"}, writes: {verdict: output.verdict}}
  no:   {uses: set, with: {refused: "no"}, writes: {refused: output.refused}}
edges:
  - {to: ask, when: state.verdict == "none" && state.refused == ""}
  - {from: ask, to: yes, when: state.approved}
  - {from: ask, to: no, else: true}
pause: none
`

// TestSignIn: a token signs in, by the keyboard alone; another one does not, and after
// signing out the pages ask again.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking)
	p := s.openSignedOut(t, look{})
	p.visit("/stacks/none")
	p.until(`location.pathname === "/sign-in"`)
	p.do(chromedp.KeyEvent("wrong" + kb.Enter))
	p.text("[role=alert]", "not known here")
	p.forgive("401")
	token, err := os.ReadFile(api.TokenPath(s.path))
	if err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.SendKeys("#token", strings.TrimSpace(string(token))+kb.Enter))
	p.until(`location.pathname === "/stacks/none"`)
	p.text("[role=alert]", "none")
	p.forgive("404")
	p.visit("/")
	p.text("main", "There is no stack yet")
	if cookie := value[string](p, `document.cookie`); cookie != "" {
		t.Errorf("scripts see the cookie %q", cookie)
	}
	p.do(chromedp.Click("form[action='/sign-out'] button"), chromedp.WaitVisible("#token"))
	p.visit("/")
	p.until(`location.pathname === "/sign-in"`)
}

// TestLive: what is committed is on the page within a second, a person's word is given
// in place, and a filter is in the URL.
func TestLive(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking)
	p := s.open(t, look{})
	p.text("#live", "live")
	began := time.Now()
	s.start(t, "asking", "first", map[string]any{"question": "<img src=x onerror=alert(1)>?"})
	p.text("#row-first .chip", "waiting for you")
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s until a stack was on the page, want at most 1s", took)
	}
	p.text("#row-first .note", "<img src=x onerror=alert(1)>?")
	s.start(t, "asking", "second", nil)
	p.text("#row-second .chip", "waiting for you")
	p.do(chromedp.SendKeys("#filter-q", "second"))
	p.until(`location.search.includes("q=second") && !document.querySelector("#row-first")`)
	p.do(chromedp.Click("#row-second a"))
	p.text("h1", "second")
	p.do(chromedp.SendKeys("article.ask input[name=comment]", "go"), chromedp.Click("article.ask button[value=approve]"))
	p.until(`!document.querySelector("article.ask")`)
	p.text("#key-verdict", "yes")
	p.text("#node-no .chip", "skipped")
	if path := value[string](p, `location.pathname`); path != "/stacks/second" {
		t.Errorf("the answer led to %s", path)
	}
}

// TestReconnect: a page that loses its server says so, and catches up when it is there
// again, with what happened meanwhile. What somebody was typing is still there.
func TestReconnect(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking)
	s.start(t, "asking", "first", nil)
	p := s.open(t, look{})
	p.visit("/stacks/first")
	p.text("#live", "live")
	p.do(chromedp.SendKeys("article.ask input[name=comment]", "half a sen"))
	s.end()
	p.text("#live", "offline")
	s.begin(t)
	if _, err := s.client.Send(t.Context(), "first", api.EventRequest{Event: "letter", Payload: api.Value{V: []any{"while you were away"}}}); err != nil {
		t.Fatal(err)
	}
	p.text("#key-letters", "while you were away")
	p.text("#live", "live")
	if got := value[string](p, `document.querySelector("article.ask input[name=comment]").value`); got != "half a sen" {
		t.Errorf("the comment is %q", got)
	}
	p.forgive("ERR_")
}
