package torture

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// agentVerdict counts faults (there must be none), and events that must happen.
type agentVerdict struct {
	reasked, recalled, twice, keys, money, talk int

	asks, cutAsks, calls, cutCalls, unknown, kept, cycles, clerks int
	what                                                          []string // of the first faults
}

func (v *agentVerdict) fault(count *int, format string, args ...any) {
	*count++
	if len(v.what) < 10 {
		v.what = append(v.what, fmt.Sprintf(format, args...))
	}
}

func (v *agentVerdict) String() string {
	return fmt.Sprintf("recorded answers asked for again %d, recorded calls made again %d, calls with effects: once made twice %d, wrong keys %d, wrong sums %d, wrong states and histories %d; "+
		"%d questions, %d of them again, %d calls, %d of them again, %d of unknown effect, %d tasks of more than one life, %d cycles, %d clerks%s",
		v.reasked, v.recalled, v.twice, v.keys, v.money, v.talk, v.asks, v.cutAsks, v.calls, v.cutCalls, v.unknown, v.kept, v.cycles, v.clerks, strings.Join(append([]string{""}, v.what...), "\n\t"))
}

func (v *agentVerdict) faults() int {
	return v.reasked + v.recalled + v.twice + v.keys + v.money + v.talk
}

// once are the tools that must not be run twice, whatever happens.
var once = map[string]bool{"pay": true, "wire": true, "refund": true}

// outside goes through the ledger of the world.
func (v *agentVerdict) outside(ledger string) {
	answers, lives := map[string]int{}, map[string]map[string]bool{}
	asked, called, done := map[string]int{}, map[string]int{}, map[string]bool{}
	keyOf, idOf := map[string]string{}, map[string]string{}
	for _, w := range entries(ledger) {
		switch w[0] {
		case "ask":
			v.asks++
			turn, _ := strconv.Atoi(w[2])
			if asked[w[1]+w[2]]++; asked[w[1]+w[2]] > 1 {
				v.cutAsks++
			}
			if turn <= answers[w[1]] {
				v.fault(&v.reasked, "turn %d of %s is asked again", turn, w[1])
			}
		case "answer":
			answers[w[1]]++
			if lives[w[1]] == nil {
				lives[w[1]] = map[string]bool{}
			}
			lives[w[1]][w[4]] = true
		case "done":
			done[w[1]] = true
		case "call":
			v.calls++
			tool, id, key := w[1], w[2], w[3]
			if called[id]++; called[id] > 1 {
				v.cutCalls++
				if once[tool] {
					v.fault(&v.twice, "%s is called again: %s", tool, id)
				}
			}
			if done[id] {
				v.fault(&v.recalled, "%s is called again after its result was recorded: %s", tool, id)
			}
			if k, is := keyOf[id]; is && k != key || idOf[key] != "" && idOf[key] != id {
				v.fault(&v.keys, "call %s has the keys %s and %s; %s is that of %s", id, k, key, key, idOf[key])
			}
			keyOf[id], idOf[key] = key, id
		}
	}
	for _, l := range lives {
		if len(l) > 1 {
			v.kept++
		}
	}
}

// turnsOf and callsOf are how many answers and results each task has in the end.
var (
	turnsOf = map[string]int{"triage": 5, "crew": 2, "clerk": 2}
	callsOf = map[string]int{"triage": 5, "crew": 2, "clerk": 3}
)

// history goes through the records of a stack, and compares the sums.
func (v *agentVerdict) history(s runtime.Store, id string) error {
	snap, err := s.Load(context.Background(), id)
	if err != nil {
		return err
	}
	var sum, finished int64
	answers, results, finishes := map[string]int{}, map[string]map[string]bool{}, map[string]int{}
	tokens, words := map[string]int64{}, map[string]int{}
	err = s.Records(context.Background(), id, journal.Want{Bulk: true}, func(r journal.Record) error {
		switch b := r.Body.(type) {
		case *journal.TaskStep:
			task := fmt.Sprintf("%d/%s/%s", b.Began, b.Node, b.Item)
			if b.Began == 0 {
				task = fmt.Sprintf("%d/%s/%s", r.Cycle, b.Node, b.Item)
			}
			sum += b.Tokens
			switch d, err := agent.ReadDone(b.Content); {
			case b.Mark:
			case b.Error != nil: // what was said of an answer that broke off counts, estimated
				tokens[task] += b.Tokens
			case err == nil:
				if results[task] == nil {
					results[task] = map[string]bool{}
				}
				if results[task][d.Call] {
					v.fault(&v.talk, "%s: call %s has two results", id, d.Call)
				}
				results[task][d.Call] = true
			default:
				answers[task]++
				if want := int64(107 + answers[task]); b.Tokens != want {
					v.fault(&v.money, "%s: answer %d of %s is counted with %d tokens, not %d", id, answers[task], task, b.Tokens, want)
				}
				tokens[task] += b.Tokens
			}
		case *journal.TaskWaiting:
			for _, c := range b.Calls {
				if words[c.ID] > 0 {
					v.fault(&v.reasked, "%s: a word on %s is asked for again", id, c.ID)
				}
			}
		case *journal.TaskAnswered:
			if words[b.Call]++; words[b.Call] > 1 {
				v.fault(&v.talk, "%s: %s has two words", id, b.Call)
			}
		case *journal.TaskFinished:
			task := fmt.Sprintf("%d/%s/%s", r.Cycle, b.Node, b.Item)
			if b.Began != 0 {
				task = fmt.Sprintf("%d/%s/%s", b.Began, b.Node, b.Item)
			}
			sum += b.Tokens
			if b.Status != "succeeded" {
				return nil
			}
			finishes[task]++
			finished += tokens[task]
			if answers[task] != turnsOf[b.Node] || len(results[task]) != callsOf[b.Node] || finishes[task] != 1 {
				v.fault(&v.talk, "%s: task %s has %d answers, %d results and finished %d times", id, task, answers[task], len(results[task]), finishes[task])
			}
		case *journal.TaskUsed:
			sum += b.Tokens
		}
		return nil
	})
	if sum != snap.Cursor.Counts.Tokens {
		v.fault(&v.money, "%s: %d tokens are counted, and %d recorded", id, snap.Cursor.Counts.Tokens, sum)
	}
	var used int64
	for _, u := range snap.State["used"].([]any) {
		u := u.(map[string]any)
		used += u["input_tokens"].(int64) + u["output_tokens"].(int64)
	}
	if used != finished {
		v.fault(&v.money, "%s: the usage in the state is %d tokens, that of the finished tasks is %d", id, used, finished)
	}
	return err
}

// told is a state in which the results of calls whose effect is not known are as if they were.
func (v *agentVerdict) told(state map[string]any) map[string]any {
	out := map[string]any{}
	for k, x := range state {
		list, _ := x.([]any)
		if k[0] == '$' {
			continue // the machine's own
		}
		if k == "used" {
			out[k] = counted(list)
			continue
		}
		if k != "talk" || list == nil {
			out[k] = x
			continue
		}
		var talk []any
		for _, m := range list {
			m := maps.Clone(m.(map[string]any))
			if text, _ := m["content"].(string); m["role"] == "tool" && strings.Contains(text, "not known whether it took effect") {
				v.unknown++
				m["content"] = fmt.Sprint("did ", m["call"])
			}
			// A call that was cut off does not say that its arguments were changed.
			if text, _ := m["content"].(string); m["role"] == "tool" && strings.HasPrefix(text, "A person changed") {
				_, m["content"], _ = strings.Cut(text, "\n")
			}
			talk = append(talk, m)
		}
		out[k] = talk
	}
	return out
}

// judgeAgents compares what was seen from outside with what the store has, and that with
// what a run gives that nobody kills.
func judgeAgents(t *testing.T, w *world) *agentVerdict {
	t.Helper()
	v := &agentVerdict{}
	text, err := os.ReadFile(w.ledger)
	if err != nil {
		t.Fatal(err)
	}
	v.outside(string(text))
	ctx := context.Background()
	s, err := boltstore.Open(w.path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]map[string]any{}
	cycles, clerks := map[string]int{}, []string(nil)
	if err := s.Stacks(ctx, func(sum runtime.Summary) error {
		id := sum.Identity.Stack
		if id[0] == 's' {
			cycles[id] = int(sum.Cursor.Counts.Cycles)
			v.cycles += cycles[id]
		} else {
			clerks = append(clerks, id)
			v.clerks++
			if sum.Cursor.Status != journal.Completed {
				v.fault(&v.talk, "%s is %s (%s)", id, sum.Cursor.Status, sum.Cursor.Reason)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range append(clerks, "s0", "s1", "s2") {
		snap, err := s.Load(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		states[id] = v.told(snap.State)
		if err := v.history(s, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if report, err := boltstore.Check(ctx, w.path); err != nil || len(report.Problems) > 0 {
		t.Errorf("the store is not sound: %v %+v", err, report.Problems)
	}
	calm := newWorld(t, true)
	l, err := newAgentLife(agentsSettle, "1", calm.ledger, "")
	if err != nil {
		t.Fatal(err)
	}
	mem := &memstore.Store{Cycles: -1}
	if err := l.drive(ctx, mem, calm.server.OpenAI(), cycles, clerks); err != nil {
		t.Fatal(err)
	}
	for id, got := range states {
		snap, err := mem.Load(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff((&agentVerdict{}).told(snap.State), got); diff != "" {
			v.fault(&v.talk, "%s is not what it is without kills (-want +got)\n%.3000s", id, diff)
		}
	}
	return v
}

// counted leaves the tokens out of the usages, which broken answers add to: history adds
// them up.
func counted(usages []any) (out []any) {
	for _, u := range usages {
		u := u.(map[string]any)
		out = append(out, map[string]any{"turns": u["turns"], "calls": u["calls"]})
	}
	return out
}
