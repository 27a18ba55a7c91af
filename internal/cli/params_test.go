package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// takesGraph has a param of each type. It ends at once, with what it was given in
// its state.
const takesGraph = `graphrun: 1
name: takes
params:
  text: {type: string, default: ""}
  maybe: {type: string?, default: null}
  mode: {enum: [quick, long], default: quick}
  level: {enum: [1, 2], default: 1}
  n: {type: integer, default: 0}
  yes: {type: boolean, default: false}
  list: {type: list(string), default: []}
  any: {type: any, default: null}
  hour: {type: integer, default: 5}
state: {got: any}
nodes:
  a: {uses: set, with: {got: "${{ {text: params.text, maybe: params.maybe, mode: params.mode, level: params.level, n: params.n, yes: params.yes, list: params.list, any: params.any} }}"}, writes: [got]}
edges: [{to: a}]
schedule: {cron: "0 ${{ params.hour }} * * *"}
stop: state.got != nil
limits: {cycles: 2}
`

// ofStack is how a message names the stack.
var ofStack = regexp.MustCompile(`stack "\w+": `)

// TestParamsHaveOneMeaning: a --param means the same for a file that is run, for a
// file that is started, and for a graph that is started by its name.
func TestParamsHaveOneMeaning(t *testing.T) {
	t.Parallel()
	s := startServe(t, map[string]string{"takes.graphrun.yaml": takesGraph}, ".", "--listen", "off")
	const file = "takes.graphrun.yaml"
	for i, c := range []struct {
		param string
		code  int
		says  string // of the state, or the error
	}{
		{"text=hello", 0, `"text":"hello"`},
		{`text="hello"`, 0, `"text":"\"hello\""`},
		{"text=12", 0, `"text":"12"`},
		{"text=", 0, `"text":""`},
		{"text=a=b", 0, `"text":"a=b"`},
		{"maybe=null", 0, `"maybe":"null"`},
		{"maybe=hello", 0, `"maybe":"hello"`},
		{"mode=long", 0, `"mode":"long"`},
		{`mode="long"`, 2, "params.mode: must be one of"},
		{"mode=slow", 2, "params.mode: must be one of"},
		{"level=2", 0, `"level":2`},
		{"level=3", 2, "params.level: must be one of 1, 2"},
		{"n=7", 0, `"n":7`},
		{"n=seven", 2, "is not JSON"},
		{"n=1.5", 2, "params.n: must be an integer"},
		{"yes=true", 0, `"yes":true`},
		{"yes=ja", 2, "is not JSON"},
		{`list=["x"]`, 0, `"list":["x"]`},
		{"list=x", 2, "is not JSON"},
		{`any={"a":1}`, 0, `"any":{"a":1}`},
		{"any=hello", 2, "is not JSON"},
		{"other=1", 2, `unknown param "other"`},
		{"other=x", 2, `unknown param "other"`},
		{"hour=22", 0, `"text":""`},
		{"hour=24", 2, `schedule: "24" is not a valid hour`},
		{"text", 2, "expected K=V"},
		{"=x", 2, "expected K=V"},
		{"n=", 2, "is not JSON"},
	} {
		t.Run(c.param, func(t *testing.T) {
			t.Parallel()
			first := ""
			for how, args := range map[string][]string{
				"run FILE":    {"run", file, "--db", fmt.Sprintf("run%d.db", i)},
				"start FILE":  {"start", file, "--stack", fmt.Sprint("file", i)},
				"start GRAPH": {"start", "takes", "--stack", fmt.Sprint("graph", i)},
			} {
				out, code := s.graphrun(append(args, "--param", c.param, "-o", "json")...)
				if code != c.code {
					t.Errorf("%s: exit code %d, want %d: %s", how, code, c.code, out)
					continue
				}
				if code == 0 && how != "run FILE" {
					s.until("it has ended", func() bool {
						status, _ := s.graphrun("status", args[3])
						return strings.Contains(status, "completed")
					})
					out = s.must("state", args[3], "-o", "json")
				}
				if !strings.Contains(out, c.says) {
					t.Errorf("%s: want %s in %s", how, c.says, out)
				}
				if code == 0 {
					continue
				}
				if said := ofStack.ReplaceAllString(out, ""); first == "" {
					first = said
				} else if said != first {
					t.Errorf("%s says %q, another way %q", how, said, first)
				}
			}
		})
	}
}
