package machine

import (
	"strings"
	"testing"
)

// An attempt that a crash has cut off, and that stands in line again when its node or its
// stack ends, is over with it: a replay of the history finds the same.
func TestWhatWasCutOffEndsWithTheOthers(t *testing.T) {
	t.Parallel()
	const each = `each: {uses: work, retry: {attempts: 2, jitter: false}, for_each: {in: "['p', 'q']", as: x, key: x, max: 1, OPTION}}`
	tests := map[string]struct{ node, does string }{
		"until":            {strings.Replace(each, "OPTION", `until: 'count(results, .status == "succeeded") > 0'`, 1), "done each/q 1"},
		"fast":             {strings.Replace(each, "OPTION", "on_failure: fast", 1), `fail each/q {"kind":"exit"}`},
		"the stack":        {strings.Replace(each, "OPTION", "on_failure: fast", 1), "cancel enough"},
		"in its own queue": {"each: {uses: work, for_each: {in: \"['p']\", as: x, key: x}}", "cancel enough"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, compile(t, "graphrun: 1\nname: g\nnodes:\n  "+test.node+"\npause: none\nlimits: {cycles: 1}\n"))
			if err := r.start(nil, nil); err != nil {
				t.Fatal(err)
			}
			lines := []string{"wake", "running each/p"}
			if strings.Contains(test.node, "retry") {
				lines = []string{"wake", `fail each/p {"kind":"exit"}`, `fail each/q {"kind":"exit"}`, "wake", "running each/p"}
			}
			for _, line := range lines {
				do(r, line)
			}
			m, err := Restore(r.g, r.o, r.stored(), r.clock)
			if err != nil {
				t.Fatal(err)
			}
			r.m, r.tasks = m, map[string]*given{}
			r.drain()
			do(r, test.does)
			if !r.m.Cursor().Status.Ended() {
				t.Fatal("the stack goes on")
			}
			checkReplay(t, r)
		})
	}
}
