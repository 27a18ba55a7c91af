package torture

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes/agent/agenttest"
)

// crewGraph has two kinds of agents: one with four tools, parallel calls and a declared
// output that its model misses twice, and three beside each other under for_each. What
// their models say depends on the task and the turn alone, so what the graph comes to does
// not depend on who was killed when.
const crewGraph = `graphrun: 1
name: crew
providers: {local: {api: openai, base_url: "URL"}}
tools:
  look: {description: Looks., args: ARGS, uses: act, with: {tool: look, id: "${{ args.id }}"}, effects: none}
  tell: {description: Tells., args: ARGS, uses: act, with: {tool: tell, id: "${{ args.id }}"}}
  pay: {description: Pays., args: ARGS, uses: act, with: {tool: pay, id: "${{ args.id }}"}, effects: once}
  wire:
    description: Pays by a program.
    args: ARGS
    uses: exec
    with: {command: [sh, -c, 'printf "\ncall wire %s %s 0 .\n" "$1" "$GRAPHRUN_KEY" >> "$2"; printf "did %s" "$1"', sh, "${{ args.id }}", "LEDGER"]}
    effects: once
types:
  Verdict: {type: object, required: [kind, answer], properties: {kind: {enum: [bug, question]}, answer: string}}
state:
  talk: {type: list(AgentMessage), reduce: append, keep: 60}
  verdicts: {type: list(Verdict), reduce: append}
  notes: {type: list(string), reduce: append}
  used: {type: list(any), reduce: append}
nodes:
  triage:
    uses: agent
    with:
      model: local/m
      instructions: You sort what comes in.
      input: "TASK ${{ stack.id }}/${{ cycle.number }}/triage/"
      messages: ${{ state.talk }}
      tools: [look, tell, pay, wire]
      output: Verdict
    retry: {attempts: 100, backoff: 1ms, jitter: false}
    writes: {verdicts: "[output]", talk: messages, used: "[usage]"}
  crew:
    uses: agent
    for_each: {in: "[0, 1, 2]", as: it}
    with: {model: local/m, input: "TASK ${{ stack.id }}/${{ cycle.number }}/crew/${{ it }}", tools: [look, pay]}
    retry: {attempts: 100, backoff: 1ms, jitter: false}
    writes: {notes: output, used: usage}
edges: [{to: triage}, {from: triage, to: crew}]
pause: {active: 3ms}
limits: {failures: 0}
history: {cycles: 1000000}
`

// clerkGraph is one agent with three calls. Two of the calls need a word from a person.
const clerkGraph = `graphrun: 1
name: clerk
providers: {local: {api: openai, base_url: "URL"}}
tools:
  look: {description: Looks., args: ARGS, uses: act, with: {tool: look, id: "${{ args.id }}"}, effects: none}
  refund: {description: Pays back., args: ARGS, uses: act, with: {tool: refund, id: "${{ args.id }}", amount: "${{ args.amount }}"}, effects: once, approve: always}
state:
  talk: {type: list(AgentMessage), reduce: append}
  note: string?
  used: {type: list(any), reduce: append}
nodes:
  clerk:
    uses: agent
    with: {model: local/m, input: "TASK ${{ stack.id }}/${{ cycle.number }}/clerk/", messages: "${{ state.talk }}", tools: [look, refund]}
    retry: {attempts: 100, backoff: 1ms, jitter: false}
    writes: {note: output, talk: messages, used: "[usage]"}
edges: [{to: clerk, when: state.note == nil}]
stop: [{when: state.note != nil}]
pause: {active: 1s, idle: 1s}
limits: {failures: 0}
history: {cycles: 1000000}
`

// filled puts addresses into a graph.
func filled(text, url, ledger string) string {
	return strings.NewReplacer("URL", url, "LEDGER", ledger,
		"ARGS", "{type: object, required: [id], properties: {id: string, amount: integer?}}").Replace(text)
}

// world is what is outside the engine, and stays when that is killed: a provider of
// models, and a ledger in which the provider and the tools write what happens to them.
type world struct {
	t            testing.TB
	path, ledger string
	server       *agenttest.Server
	steady       bool // the provider does not fail now and then

	mu    sync.Mutex
	file  *os.File
	asked map[string]int // by task and turn
	// trap is called for each question, and before each event of its answer; -1 is before
	// the answer begins.
	trap func(event int)
}

func newWorld(t testing.TB, steady bool) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, path: filepath.Join(dir, "graphrun.db"), ledger: filepath.Join(dir, "ledger"), steady: steady, asked: map[string]int{}}
	var err error
	if w.file, err = os.OpenFile(w.ledger, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	w.server = agenttest.Start()
	w.server.Play(w.answer)
	t.Cleanup(func() { w.server.Close(); _ = w.file.Close() })
	return w
}

// set sets the trap.
func (w *world) set(trap func(event int)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trap = trap
}

func (w *world) spring(event int) {
	w.mu.Lock()
	trap := w.trap
	w.mu.Unlock()
	if trap != nil {
		trap(event)
	}
}

// answer is what the models say.
func (w *world) answer(q agenttest.Question) agenttest.Reply {
	task, turn := "", 1
	for _, m := range q.Messages {
		switch {
		case m.Role == "user" && strings.HasPrefix(m.Text, "TASK "):
			task, turn = strings.TrimPrefix(m.Text, "TASK "), 1
		case m.Role == "assistant":
			turn++
		}
	}
	w.mu.Lock()
	name := fmt.Sprint(task, " ", turn)
	w.asked[name]++
	first := w.asked[name] == 1
	_, _ = w.file.WriteString(entry("ask", task, strconv.Itoa(turn)))
	w.mu.Unlock()
	w.spring(-1)
	r := w.says(task, turn, first)
	r.Usage = &agenttest.Usage{Input: int64(100 + turn), Output: 7}
	r.Before = func(_ context.Context, i int) { w.spring(i) }
	return r
}

func (w *world) says(task string, turn int, first bool) agenttest.Reply {
	parts := strings.Split(task, "/")
	if len(parts) != 4 {
		return agenttest.Fail(400, "a question about no task")
	}
	call := func(tool string, n int) agenttest.Call {
		id := fmt.Sprintf("%s#%d.%d", task, turn, n)
		return agenttest.Call{ID: id, Name: tool, Args: map[string]any{"id": id}}
	}
	r := agenttest.Reply{Delay: time.Millisecond}
	switch parts[2] + fmt.Sprint(turn) {
	case "triage1":
		r.Text, r.Calls = "First I look.", []agenttest.Call{call("look", 1), call("pay", 2), call("tell", 3)}
	case "triage2":
		if first && !w.steady && strings.HasSuffix(parts[1], "3") {
			return agenttest.Fail(503, "busy").After(time.Millisecond, agenttest.Milliseconds)
		}
		r.Calls = []agenttest.Call{call("wire", 1), call("look", 2)}
	case "triage3":
		r.Text = "All is done, as far as I can see."
	case "triage4":
		r.Text = `{"kind": "bg"}`
	case "triage5":
		r.Text = `{"kind": "bug", "answer": "It is ` + task + `."}`
	case "crew1":
		r.Calls = []agenttest.Call{call("pay", 1), call("look", 2)}
	case "crew2":
		r.Text = "This was " + task + "."
		if first && !w.steady && parts[3] == "2" {
			r.Cut = 2
		}
	case "clerk1":
		r.Calls = []agenttest.Call{call("refund", 1), call("look", 2), call("refund", 3)}
	case "clerk2":
		r.Text = "Refunded for " + task + "."
	default:
		return agenttest.Fail(400, "a question too many: "+task)
	}
	return r
}
