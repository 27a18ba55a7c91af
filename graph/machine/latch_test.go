package machine

import (
	"slices"
	"strings"
	"testing"
)

// A changed graph forgets the latches of edges that it changed, and keeps the others.
func TestChangedGraphForgetsLatches(t *testing.T) {
	t.Parallel()
	const src = `
graphrun: 1
name: latches
state: {ok: {type: boolean, default: true}}
nodes:
  a: {uses: approval}
  b: {uses: approval}
  c: {uses: approval}
  other: {uses: set}
  join: {uses: set, join: all, latch: true}
edges:
  - {to: [a, b, c, other]}
  - {from: a, to: join}
  - {from: b, to: join, when: state.ok}
  - {from: c, to: join}
pause: none
limits: {cycles: 100}
`
	for name, tt := range map[string]struct{ old, new, kept string }{
		"nothing":      {"100", "101", "a b"},
		"a condition":  {"when: state.ok", "when: not state.ok", "a"},
		"an outcome":   {"from: a, to: join", "from: a, to: join, outcome: always", "b"},
		"an edge less": {"  - {from: a, to: join}\n", "", "b"},
		"latch":        {", latch: true", "", ""},
	} {
		r := newRig(t, compile(t, src))
		for _, line := range []string{"start", "wake", `answer a {"approved": true}`, `answer b {"approved": true}`, "wake"} {
			do(r, line)
		}
		if got := latchedFrom(r); got != "a b" {
			t.Fatalf("%s: latches %q", name, got)
		}
		g := compile(t, strings.Replace(src, tt.old, tt.new, 1))
		if err := r.m.Adopt(g, r.clock); err != nil {
			t.Fatal(err)
		}
		r.g = g
		r.drain()
		if got := latchedFrom(r); got != tt.kept {
			t.Errorf("%s: kept %q, want %q", name, got, tt.kept)
		}
		r.crash()
		do(r, `answer c {"approved": true}`)
		do(r, "wake")
		ran := slices.ContainsFunc(told(r), func(l string) bool { return l == "join run" })
		if want := tt.kept == "a b" || name == "an edge less"; ran != want {
			t.Errorf("%s: join runs: %t, want %t", name, ran, want)
		}
	}
}

func latchedFrom(r *rig) string {
	var from []string
	for _, l := range r.m.Cursor().Latches {
		from = append(from, l.From)
	}
	return strings.Join(from, " ")
}
