package trial_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/trial"
)

const watching = `
graphrun: 1
name: watching
state: {seen: {type: list(string), reduce: append}}
nodes:
  watch: {uses: wait, with: {files: "in/*.csv"}, writes: {seen: 'map(output, .path + " " + string(.size))'}}
edges: [{to: watch}]
pause: none
stop: len(state.seen) >= 3
`

func comes(files ...any) trial.Step { return trial.Step{Does: trial.FilesStep, Files: tree.Of(files)} }

// Files end the waits whose patterns they match, and once only while they stay as they are.
func TestFiles(t *testing.T) {
	t.Parallel()
	cycle := trial.Step{Does: trial.CycleStep}
	for name, c := range map[string]struct {
		steps []trial.Step
		want  []string
	}{
		"all": {steps: []trial.Step{
			cycle, comes("in/b.csv", map[string]any{"path": "in/a.csv", "size": int64(7)}), cycle,
			{Does: trial.ExpectStep, Expect: tree.Of(`state.seen == ["in/a.csv 7", "in/b.csv 1"]`)},
			{Does: trial.WaitStep, For: 1}, comes("in/a.csv"), cycle,
			{Does: trial.ExpectStep, Expect: tree.Of(`state.seen[2] == "in/a.csv 1" && stack.id == "watching"`)},
		}},
		"nobody waits": {
			steps: []trial.Step{cycle, comes("in/a.txt")},
			want:  []string{`no node waits for the file "in/a.txt": "watch" waits for files`},
		},
		"the same again": {

			steps: []trial.Step{cycle, comes("in/a.csv"), cycle, cycle, comes("in/a.csv")},
			want:  []string{"no wait is over: its node has had these files as they are"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := trial.Test{Name: diag.Plain(name), Steps: c.steps}
			if diff := cmp.Diff(c.want, failures(trial.Run(compiled(t, watching), &test, trial.Options{}))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
