package explore

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/graph/value"
)

// nevers says which word of a test's `never` a finding is found again by.
var nevers = map[string]string{
	Stuck: trial.Stuck, Endless: trial.LimitReached, ConditionError: trial.ConditionError, Expression: trial.ExpressionFail,
	Schema: trial.SchemaFault, Limit: trial.LimitReached, Grows: trial.Grows,
}

// test is the test that a finding is found again by; false where no run shows it.
func (all *findings) test(s *shown, number int) (trial.Test, bool) {
	word := nevers[s.kind]
	if word == "" || len(s.run.steps) == 0 {
		return trial.Test{}, false
	}
	t := trial.Test{Name: diag.Plain(testName(s, number)), Never: []diag.Text{diag.Plain(word)}}
	if len(s.run.params) > 0 {
		t.Params = tree.Of(s.run.params)
	}
	t.Replies = all.x.s.replies(s.run.taken)
	for i := range s.run.steps {
		t.Steps = append(t.Steps, testStep(&s.run.steps[i]))
	}
	return t, true
}

func testName(s *shown, number int) string {
	name := s.kind
	for _, part := range []string{s.node, s.key} {
		if part != "" {
			name += " " + part
		}
	}
	if number > 0 {
		name += fmt.Sprintf(" (%d)", number+1)
	}
	return name
}

// replies are those of each task; one for ever where they are all the same.
func (s *survey) replies(given []taken) (out []trial.Replies) {
	for i := range s.nodes {
		id := s.g.Nodes[i].ID
		var items []string
		by := map[string][]trial.Reply{}
		for k := range given {
			t := &given[k]
			if t.node != i {
				continue
			}
			if _, known := by[t.item]; !known {
				items = append(items, t.item)
			}
			by[t.item] = append(by[t.item], testReply(&t.reply))
		}
		if one, same := onlyOne(items, by); same {
			out = append(out, trial.Replies{For: diag.Plain(id), All: []trial.Reply{one}})
			continue
		}
		for _, item := range items {
			place := journal.Spot{Node: id, Item: item}.String()
			out = append(out, trial.Replies{For: diag.Plain(place), List: true, All: by[item]})
		}
	}
	return out
}

// onlyOne is the reply that all tasks of a node have, each time.
func onlyOne(items []string, by map[string][]trial.Reply) (one trial.Reply, same bool) {
	for _, item := range items {
		for _, r := range by[item] {
			if same && !equalReplies(&one, &r) {
				return one, false
			}
			one, same = r, true
		}
	}
	return one, same
}

func equalReplies(a, b *trial.Reply) bool {
	switch {
	case a.After != b.After || (a.Error == nil) != (b.Error == nil):
		return false
	case a.Error != nil:
		return a.Error.Kind.Value == b.Error.Kind.Value && a.Error.Message == b.Error.Message && equalCodes(a.Error.Code, b.Error.Code)
	}
	return value.Equal(a.Output.Value(), b.Output.Value())
}

func equalCodes(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

func testReply(r *reply) trial.Reply {
	out := trial.Reply{After: r.takes}
	if f := r.failure; f != nil {
		out.Error = &trial.Failure{Kind: diag.Plain(f.Kind), Message: f.Message, Code: f.Code, Permanent: f.Permanent}
		return out
	}
	out.Output = tree.Of(r.output)
	return out
}

func testStep(s *step) trial.Step {
	switch s.kind {
	case stepSend:
		return trial.Step{Does: trial.SendStep, Send: &tree.Node{Kind: tree.Map, Fields: []tree.Field{{Key: diag.Plain(s.name), Value: tree.Of(s.value)}}}}
	case stepAnswer:
		return answerStep(s)
	case stepWake:
		return trial.Step{Does: trial.WakeStep}
	case stepCrash:
		return trial.Step{Does: trial.CrashStep, Node: diag.Plain(s.name)}
	case stepFiles:
		return trial.Step{Does: trial.FilesStep, Files: tree.Of([]any{map[string]any{"path": s.item, "size": int64(1)}})}
	case stepWait:
		return trial.Step{Does: trial.WaitStep, For: s.wait}
	}
	return trial.Step{Does: trial.CycleStep}
}

func answerStep(s *step) trial.Step {
	given, _ := s.value.(map[string]any)
	out := trial.Step{Does: trial.RejectStep, Answer: trial.Answer{Node: diag.Plain(journal.Spot{Node: s.name, Item: s.item}.String())}}
	if given["approved"] == true {
		out.Does = trial.ApproveStep
	}
	part := func(name string) *tree.Node {
		if v := given[name]; v != nil {
			return tree.Of(v)
		}
		return nil
	}
	out.Answer.Value, out.Answer.Comment, out.Answer.By = part("value"), part("comment"), part("by")
	return out
}

// suite is a test file for the graph.
func (all *findings) suite(tests ...trial.Test) string {
	s := trial.Suite{Graph: diag.Plain(cmp.Or(all.x.o.File, filepath.Base(all.x.s.g.Def.File))), Tests: tests}
	return string(s.YAML())
}

// fileName is the name of the test file for a kind of findings.
func (all *findings) fileName(kind string) string {
	return all.x.s.g.Name + "." + strings.ReplaceAll(kind, "_", "-") + ".test.yaml"
}
