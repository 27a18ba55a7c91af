package machine

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const talking = `
graphrun: 1
name: talking
state:
  said: {type: list(any), reduce: append, keep: 20}
  turns: {type: list(any), reduce: append, keep: 20}
nodes:
  one: {uses: talk, writes: {said: messages, turns: "[usage.turns]"}}
  each: {uses: talk, for_each: {in: "['a', 'b']", as: x, key: x}, writes: {said: messages, turns: usage}}
  back: {uses: talk, background: true, writes: {said: messages, turns: "[usage.turns]"}}
  mute: {uses: talk, writes: {said: messages, turns: "[usage.turns]"}}
edges: [{to: [one, each, back, mute], when: cycle.number == 1}]
pause: none
limits: {cycles: 9}
`

// The writes of an agent see what it said and used. Under for_each these are lists. A
// restart changes nothing, and an agent that said nothing has an empty list.
func TestWritesSeeWhatAnAgentSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, talking))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	talk := func(text string, turns int64) TaskDone {
		usage := map[string]any{"turns": turns, "calls": int64(0), "input_tokens": int64(1), "output_tokens": int64(1), "cost": 0.0, "estimated": false}
		message := map[string]any{"role": "assistant", "content": text, "calls": []any{}}
		return TaskDone{Talk: &journal.Talk{Messages: []any{message}, Usage: usage}}
	}
	for _, name := range []string{"each/b", "back", "one"} {
		r.give(name, talk(name, int64(len(name))))
		r.drain()
	}
	r.crash()
	r.give("each/a", talk("each/a", 1))
	r.drain()
	r.give("mute", TaskDone{})
	r.drain()
	do(r, "wake")
	said, _ := r.m.State()["said"].([]any)
	got := value.String(said)
	message := func(text string) string { return `{"calls":[],"content":"` + text + `","role":"assistant"}` }
	want := "[" + message("one") + ",[" + message("each/a") + "],[" + message("each/b") + "]," + message("back") + "]"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("said (-want +got)\n%s", d)
	}
	turns, _ := r.m.State()["turns"].([]any)
	var n []any
	for _, v := range turns {
		if usage, ok := v.(map[string]any); ok {
			v = usage["turns"]
		}
		n = append(n, v)
	}
	if d := cmp.Diff([]any{int64(3), int64(1), int64(6), int64(0), int64(4)}, n); d != "" {
		t.Errorf("turns (-want +got)\n%s", d)
	}
	checkReplay(t, r)
}
