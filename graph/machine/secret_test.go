package machine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/value"
)

// Whatever the text of a graph makes of secrets: what the machine settles itself has
// *** in their place, and what others do has references.
func TestAMachineKnowsNoSecrets(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: secrets
secrets: [KEY]
state: {out: any, n: {type: integer, default: 3}}
nodes:
  ask: {uses: approval, with: {prompt: "May ${{ secrets.KEY }} go?"}}
  set: {uses: set, with: {a: "Bearer ${{ secrets.KEY }}", b: "${{ secrets.KEY != '' }}"}, writes: {out: output}}
  work: {uses: work, background: true, with: {a: "Bearer ${{ secrets.KEY }}", b: "${{ secrets.KEY + ':' + string(state.n) }}", c: "${{ state.n }}"}}
edges: [{to: [ask, set, work]}]
limits: {cycles: 5}
`))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	if got, want := value.String(r.m.Cursor().Waiting[0].With), `{"prompt":"May *** go?"}`; got != want {
		t.Errorf("what is asked is %s, want %s", got, want)
	}
	if got, want := value.String(r.m.State()["out"]), `{"a":"Bearer ***","b":true}`; got != want {
		t.Errorf("what is set is %s, want %s", got, want)
	}
	with := r.tasks["work"].task.With
	want := `{"a":{"$secret":["Bearer ",{"$secret":"KEY"}]},"b":{"$secret":{"expr":"secrets.KEY + ':' + string(state.n)"}},"c":3}`
	if got := value.String(with); got != want {
		t.Errorf("the task is given %s, want %s", got, want)
	}
	if text, err := json.Marshal(with); err != nil || !strings.Contains(string(text), `"$secret"`) {
		t.Errorf("as JSON the task is given %s, %v", text, err)
	}
	r.crash() // a task that runs again after a restart gets the same
	if got := value.String(r.tasks["work"].task.With); got != want {
		t.Errorf("after a restart the task is given %s, want %s", got, want)
	}
	filled, err := value.Fill(with, func(name string) (string, bool) { return "hush", name == "KEY" })
	if got := value.String(filled); err != nil || got != `{"a":"Bearer hush","b":"hush:3","c":3}` {
		t.Errorf("filled in it is %s, %v", got, err)
	}
}

// A task that was asked about has secrets after its graph has changed and the process has
// ended, too. What a store has of it holds no reference: it would be data afterwards.
func TestSecretsUnderAChangedGraph(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(`n: "${{ state.n }}"`, `n: "${{ state.n }}", k: "${{ secrets.KEY + string(state.n) }}"`, "name: asking", "name: asking\nsecrets: [KEY]").Replace(askingGraph)
	changed := compile(t, strings.Replace(text, "cycles: 99", "cycles: 98", 1))
	r := asking(t, compile(t, text))
	do(r, "held a")
	if err := r.m.Adopt(changed, r.clock); err != nil {
		t.Fatal(err)
	}
	r.g = changed
	r.drain()
	r.given = nil // what the store has counts
	r.crash()
	do(r, `word a {"approved": true}`)
	filled, err := value.Fill(r.tasks["a"].task.With, func(string) (string, bool) { return "hush", true })
	if d := cmp.Diff(map[string]any{"n": int64(1), "k": "hush1"}, filled); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
}
