package machine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

const lockGraph = `
graphrun: 1
name: g
state: {n: {type: integer, default: 1}, more: {type: any, default: null}, on: {type: boolean, default: true}}
nodes:
  a: {uses: work, lock: "deploy-${{ state.n }}"}
  b: {uses: work, lock: "${{ state.more }}"}
  c: {uses: work, lock: "${{ item }}", for_each: {in: "[1, 2]"}}
  d: {uses: work, lock: "${{ state.on }}"}
  e: {uses: work, background: true, lock: "late-${{ state.n }}"}
  up: {uses: set, writes: {n: state.n + 1}}
edges: [{to: [a, b, c, d, e, up], when: cycle.number == 1}]
pause: 1s
limits: {cycles: 99}
`

func (r *rig) locks() map[string]string {
	out := map[string]string{}
	for name, h := range r.tasks {
		out[name] = h.task.Lock
	}
	return out
}

// A lock is the text of what its template gives, for each element by itself.
func TestLocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, lockGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	want := map[string]string{"a": "deploy-1", "b": "", "c/0": "1", "c/1": "2", "d": "true", "e": "late-1"}
	if d := cmp.Diff(want, r.locks()); d != "" {
		t.Errorf("locks (-want +got)\n%s", d)
	}
}

// After a crash, what was left running says which lock it had, and its next attempt takes
// the same one, whatever has become of the state.
func TestLocksAfterACrash(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, lockGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	orphans := map[string]string{}
	for name := range r.locks() {
		do(r, "running "+name)
	}
	for _, name := range []string{"a", "b", "c/0", "c/1", "d"} {
		do(r, "done "+name+" 1")
	}
	r.committed = func(ready Ready) {
		for _, o := range ready.Orphans {
			orphans[o.Key.Node] = o.Lock
		}
	}
	r.crash()
	if d := cmp.Diff(map[string]string{"e": "late-1"}, orphans); d != "" {
		t.Errorf("locks of what was left (-want +got)\n%s", d)
	}
	if got := r.tasks["e"].task.Lock; r.tasks["e"].task.Attempt != 2 || got != "late-1" {
		t.Errorf("attempt %d has the lock %q", r.tasks["e"].task.Attempt, got)
	}
}

// A lock that is no text, or too long a one, fails its task.
func TestLockThatIsNoText(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]string{
		`[1]`:                                 "lock is [1], expected a text",
		`"` + strings.Repeat("x", 1025) + `"`: "lock has 1025 bytes, at most 1024 are allowed",
	} {
		r := newRig(t, compile(t, lockGraph))
		var v any
		err := json.Unmarshal([]byte(more), &v)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.start(nil, map[string]any{"more": v}); err != nil {
			t.Fatal(err)
		}
		do(r, "wake")
		var f *journal.Failure
		for _, rec := range r.records {
			if b, ok := rec.Body.(*journal.TaskFinished); ok && b.Node == "b" {
				f = b.Error
			}
		}
		if f == nil || f.Kind != "config" || !f.Permanent || f.Message != want {
			t.Errorf("with %.10s it fails with %+v, want %q", more, f, want)
		}
	}
}
