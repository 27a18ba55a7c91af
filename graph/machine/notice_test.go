package machine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
)

const noticing = `
graphrun: 1
name: noticing
secrets: [KEY]
hooks:
  - {url: "https://all.example", secret: KEY}
  - {url: "https://end.example", on: [stack.ended], secret: KEY}
nodes:
  a: {uses: work}
  ask: {uses: approval, with: {prompt: ok?}}
  bad: {uses: work}
edges: [{to: [a, ask]}, {to: bad}]
limits: {tokens: 100}
pause: 1h
`

// noticed lists the notices in the outbox of a rig's stack, and checks that no two have one id.
func noticed(t *testing.T, r *rig) (out []string) {
	t.Helper()
	ids := map[string]bool{}
	for _, m := range Messages(map[string]any{outboxName: r.m.outbox.list}) {
		if m.Hook == nil || ids[m.ID] || len(m.ID) != 32 {
			t.Errorf("no notice of its own: %+v", m)
			continue
		}
		ids[m.ID] = true
		out = append(out, m.Hook.Event+" "+strings.TrimPrefix(m.Hook.URL, "https://"))
	}
	return out
}

// TestNoticesOfAMachine: each is in the outbox with the commit of what it tells of, over crashes
// too, until it is sent; a fork and a machine whose driver delivers none have none.
func TestNoticesOfAMachine(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		r := newRig(t, compile(t, noticing))
		r.o.Notices, r.o.Hooks = true, []graph.Hook{{URL: "https://driver.example", On: []string{graph.OnBudgetReached}}}
		for _, line := range []string{"start", "wake", "spend a 60 0", "fail bad exit", "wake", "spend a 60 0", "done bad"} {
			do(r, line)
			if crash && line != "start" {
				do(r, "crash")
			}
		}
		want := []string{"node.waiting all.example", "cycle.failed all.example", "budget.reached all.example", "budget.reached driver.example",
			"stack.ended all.example", "stack.ended end.example"}
		if d := cmp.Diff(want, noticed(t, r)); d != "" {
			t.Errorf("crashes %v (-want +got)\n%s", crash, d)
		}
		if n := r.m.Cursor().Outbox; n != len(want) {
			t.Errorf("the cursor counts %d", n)
		}
		for _, m := range Messages(map[string]any{outboxName: r.m.outbox.list}) {
			r.step(Sent{At: r.clock, ID: m.ID})
		}
		if left := noticed(t, r); left != nil || r.m.Cursor().Outbox != 0 {
			t.Errorf("left after they were sent: %v", left)
		}
	}
	r := newRig(t, compile(t, noticing))
	for _, line := range []string{"start", "wake", "spend a 160 0", "fail bad exit"} {
		do(r, line)
	}
	if left := noticed(t, r); left != nil {
		t.Errorf("nobody delivers, and there are %v", left)
	}
}
