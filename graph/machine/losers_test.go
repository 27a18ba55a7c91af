package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestLosersHaveTheirReason: what runs behind a `join: first` node with `cancel` sees why
// the other sources were skipped, also after a crash and in later cycles of a pass.
func TestLosersHaveTheirReason(t *testing.T) {
	t.Parallel()
	const src = `
graphrun: 1
name: first
waves: %s
once: true
state: {later: any}
nodes:
  fast: {%s}
  slow: {uses: work, background: %t}
  ask: {uses: approval, with: {prompt: "?"}}
  other: {uses: approval, with: {prompt: "?"}}
  won: {uses: work, join: first, cancel: true}
  look: {uses: set, writes: {later: '[nodes.slow.status, nodes.slow.reason, nodes.ask.status, nodes.ask.reason]'}}
edges:
  - {to: [fast, slow, ask, other]}
  - {from: [fast, slow, ask], to: won}
  - {from: other, to: look}
`
	const worked, later = "uses: work", `uses: approval, with: {prompt: "?"}`
	for name, c := range map[string]struct {
		waves, fast string
		background  bool
		lines       []string
	}{
		"eager":   {"eager", worked, false, []string{"done fast", "done won", "wake", "crash"}},
		"barrier": {"barrier", worked, true, []string{"done fast", "done won", "wake", "crash"}},
		// The losers were skipped with "waiting" in the cycle in which they are cancelled.
		"a later cycle": {"barrier", later, true, []string{`answer fast {"approved": true}`, "wake", "done won", "wake"}},
		"a crash then":  {"barrier", later, true, []string{`answer fast {"approved": true}`, "wake", "done won", "wake", "crash"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, compile(t, fmt.Sprintf(src, c.waves, c.fast, c.background)))
			for _, line := range slices.Concat([]string{"start", "wake"}, c.lines, []string{`answer other {"approved": true}`, "wake"}) {
				do(r, line)
			}
			want := "later = [\"skipped\",\"cancelled\",\"skipped\",\"cancelled\"]\n"
			if got := r.stateText(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// A skip before a source that was cancelled while it ran counts as before any skip.
func TestLoserBehindAFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: behind
waves: eager
state: {list: list(integer)}
nodes:
  bad: {uses: work}
  fast: {uses: work}
  slow: {uses: work}
  won: {uses: work, join: first, cancel: true}
  next: {uses: work}
edges:
  - {to: bad, when: 'state.list[9] == 1'}
  - {to: [fast, slow]}
  - {from: bad, to: slow}
  - {from: [fast, slow], to: won}
  - {from: slow, to: next, outcome: unless_failed}
`))
	for _, line := range []string{"start", "wake", "done fast", "done won"} {
		do(r, line)
	}
	if got := told(r); !slices.Contains(got, "next upstream-failed") {
		t.Errorf("next is behind a failure:\n%s", strings.Join(got, "\n"))
	}
}

// Of two `join: first` nodes of one moment the one that is declared first is decided first,
// whichever could be judged first.
func TestLosersOfOneMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: moment
waves: eager
nodes:
  slow: {uses: work}
  passed: {uses: work}
  one: {uses: work, join: first, cancel: true}
  two: {uses: work, join: first, cancel: true}
edges:
  - {to: slow}
  - {to: passed, when: "false"}
  - {from: passed, to: one, outcome: unless_failed}
  - {from: slow, to: one}
  - {from: one, to: two}
  - {to: two}
`))
	do(r, "start")
	do(r, "wake")
	if got := told(r); !slices.Contains(got, "one run") || !slices.Contains(got, "two run") {
		t.Errorf("one and two run:\n%s", strings.Join(got, "\n"))
	}
}

// The verdict over an edge holds for an else edge beside it, also when its target was
// cancelled and the engine was killed since.
func TestVerdictOfALoserOutlivesACrash(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: verdict
waves: eager
state: {ready: boolean}
nodes:
  write: {uses: work, writes: {ready: output}}
  slow: {uses: work}
  lost: {uses: work, join: first, cancel: true}
  won: {uses: work, join: first, cancel: true}
  other: {uses: work}
edges:
  - {to: [write, slow, won]}
  - {to: lost, when: state.ready}
  - {from: slow, to: lost}
  - {from: lost, to: won}
  - {to: other, else: true}
  - {after: write, to: other}
`))
	for _, line := range []string{"start", "wake", "done write true", "crash", "done slow", "done won"} {
		do(r, line)
	}
	if got := told(r); !slices.Contains(got, "other run") {
		t.Errorf("lost was not ready when it was judged:\n%s", strings.Join(got, "\n"))
	}
}
