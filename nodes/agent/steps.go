package agent

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// Names of an agent's steps begin with these.
const (
	ModelStep = "model:" // and PROVIDER/MODEL: an Answer
	ToolStep  = "tool:"  // and the tool's name: a Done; as a mark, a Done with its Call and Held alone
)

// Question says what a model was asked for.
type Question string

const (
	Work   Question = "work"   // to work on its task, with its tools
	Schema Question = "schema" // to give its answer in the declared type
	Repair Question = "repair" // to mend an answer that did not fit
)

// Answer is the content of a step of a model. That of a question that failed has only
// its Question, Entry and Over, and what it used.
type Answer struct {
	Question Question
	Message  Message
	Stop     Stop
	Refusal  string
	Model    string // that answered, as the provider says; "" if it says what was asked for
	Input    int64
	Cached   int64
	Write    int64 // of Input: written to the provider's cache
	Output   int64
	// Estimated says that the provider did not report what was used.
	Estimated bool
	First     int  // the number of its first call within the task, from 1; 0 if it has no calls
	Entry     int  // of a script: the entry that answered
	Over      bool // of a question that failed: the model is not asked again, the next one is
}

// Done is the content of a step of a tool: a call that is over.
type Done struct {
	Call   string // its id
	Number int    // of the call within the task, from 1
	Args   any    // what it was made with, if a person changed that
	Text   string // the result, or the failure, as the model reads it
	Failed bool   // it failed, or was not made
	// Refused says that the call was not made; its tool may be one that there is not.
	Refused bool
	Inner   *Used // what an agent or a graph used that is a tool
	Memory  []journal.MemoryWrite
	Held    bool // of a mark: the call is not cut off, it waits for a word
}

// Used is what an agent used: `usage` in its writes.
type Used struct {
	Turns, Calls  int
	Input, Output int64
	Cost          float64
	Estimated     bool
}

// ReadAnswer reads the content of a step whose name begins with ModelStep.
func ReadAnswer(content any) (Answer, error) {
	m, ok := content.(map[string]any)
	if !ok {
		return Answer{}, fmt.Errorf("the step of a model holds %s", kindOf(content))
	}
	usage, _ := m["usage"].(map[string]any)
	a := Answer{
		Question: Question(textOf(m["question"])), Stop: Stop(textOf(m["stop"])), Refusal: textOf(m["refusal"]), Model: textOf(m["model"]),
		Input: intOf(usage["input"]), Cached: intOf(usage["cached"]), Write: intOf(usage["cache_write"]), Output: intOf(usage["output"]),
		Estimated: usage["estimated"] == true, First: int(intOf(m["first"])), Entry: int(intOf(m["entry"])), Over: m["over"] == true,
	}
	if m["message"] != nil {
		var err error
		if a.Message, err = messageOf(m["message"]); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a Answer) content() map[string]any {
	m := map[string]any{"question": string(a.Question)}
	if a.Entry > 0 {
		m["entry"] = int64(a.Entry)
	}
	if a.Over {
		m["over"] = true
	}
	if a.Stop != "" { // else the question failed
		m["message"], m["stop"] = messageValue(a.Message), string(a.Stop)
	} else if a.Input+a.Output == 0 {
		return m
	}
	usage := map[string]any{"input": a.Input, "output": a.Output}
	setInt(usage, "cached", a.Cached)
	setInt(usage, "cache_write", a.Write)
	if a.Estimated {
		usage["estimated"] = true
	}
	m["usage"] = usage
	setText(m, "refusal", a.Refusal)
	setText(m, "model", a.Model)
	if a.First > 0 {
		m["first"] = int64(a.First)
	}
	return m
}

// ReadDone reads the content of a step whose name begins with ToolStep.
func ReadDone(content any) (Done, error) {
	m, ok := content.(map[string]any)
	if !ok || textOf(m["call"]) == "" {
		return Done{}, fmt.Errorf("the step of a tool does not name its call")
	}
	d := Done{Call: textOf(m["call"]), Number: int(intOf(m["number"])), Args: m["args"], Text: textOf(m["text"]),
		Failed: m["failed"] == true, Refused: m["refused"] == true, Held: m["held"] == true}
	if u, ok := m["inner"].(map[string]any); ok {
		used := usedOf(u)
		d.Inner = &used
	}
	writes, _ := m["memory"].([]any)
	for _, v := range writes {
		w, _ := v.(map[string]any)
		d.Memory = append(d.Memory, journal.MemoryWrite{Memory: textOf(w["memory"]), ID: textOf(w["id"]), Text: textOf(w["text"]), Data: w["data"],
			Model: textOf(w["model"]), Vector: textOf(w["vector"]), Delete: w["delete"] == true})
	}
	return d, nil
}

func (d Done) content() map[string]any {
	m := map[string]any{"call": d.Call, "number": int64(d.Number), "text": d.Text}
	if d.Failed {
		m["failed"] = true
	}
	if d.Refused {
		m["refused"] = true
	}
	if d.Args != nil {
		m["args"] = d.Args
	}
	if d.Inner != nil {
		m["inner"] = d.Inner.value()
	}
	if len(d.Memory) > 0 {
		writes := make([]any, len(d.Memory))
		for i := range d.Memory {
			writes[i] = writeValue(&d.Memory[i])
		}
		m["memory"] = writes
	}
	return m
}

// used is what a call used, as the agent counts it that made it. tokens and cost are those
// of its step: of an agent they are only what is in none of its own steps, of a graph none.
func (d Done) used(tokens int64, cost float64) Used {
	if d.Inner == nil {
		return Used{Calls: 1, Input: tokens, Cost: cost}
	}
	u := *d.Inner
	u.Calls++
	return u
}

func writeValue(w *journal.MemoryWrite) map[string]any {
	m := map[string]any{"memory": w.Memory, "id": w.ID}
	setText(m, "text", w.Text)
	setText(m, "model", w.Model)
	setText(m, "vector", w.Vector)
	if w.Data != nil {
		m["data"] = w.Data
	}
	if w.Delete {
		m["delete"] = true
	}
	return m
}

// value is the usage as graphs see it.
func (u Used) value() map[string]any {
	return map[string]any{"turns": int64(u.Turns), "calls": int64(u.Calls), "input_tokens": u.Input, "output_tokens": u.Output,
		"cost": u.Cost, "estimated": u.Estimated}
}

func usedOf(m map[string]any) Used {
	return Used{Turns: int(intOf(m["turns"])), Calls: int(intOf(m["calls"])), Input: intOf(m["input_tokens"]), Output: intOf(m["output_tokens"]),
		Cost: numberOf(m["cost"]), Estimated: m["estimated"] == true}
}

func (u *Used) add(v Used) {
	u.Turns += v.Turns
	u.Calls += v.Calls
	u.Input += v.Input
	u.Output += v.Output
	u.Cost += v.Cost
	u.Estimated = u.Estimated || v.Estimated
}

func (u Used) tokens() int64 { return u.Input + u.Output }

// messageValue is a message as the type AgentMessage has it.
func messageValue(m Message) map[string]any {
	calls := make([]any, len(m.Calls))
	for i, c := range m.Calls {
		call := map[string]any{"id": c.ID, "name": c.Name, "args": c.Args}
		setText(call, "text", c.Text)
		calls[i] = call
	}
	v := map[string]any{"role": m.Role, "content": m.Content, "calls": calls}
	setText(v, "call", m.Call)
	setText(v, "name", m.Name)
	if m.Raw != nil {
		v["raw"] = m.Raw
	}
	return v
}

// messageOf reads a message of a conversation. Its parts are shared.
func messageOf(v any) (Message, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return Message{}, fmt.Errorf("a message must be an object, not %s", kindOf(v))
	}
	role := textOf(m["role"])
	switch role {
	case "system", "user", "assistant", "tool":
	default:
		return Message{}, fmt.Errorf("the role of a message must be system, user, assistant or tool, not %s", value.String(m["role"]))
	}
	msg := Message{Role: role, Content: textOf(m["content"]), Call: textOf(m["call"]), Name: textOf(m["name"]), Raw: m["raw"]}
	calls, _ := m["calls"].([]any)
	for _, c := range calls {
		call, ok := c.(map[string]any)
		if !ok {
			return Message{}, fmt.Errorf("a call of a message must be an object, not %s", kindOf(c))
		}
		msg.Calls = append(msg.Calls, Call{ID: textOf(call["id"]), Name: textOf(call["name"]), Args: call["args"], Text: textOf(call["text"])})
	}
	return msg, nil
}

// bytesOf is about how long a message is in a question.
func bytesOf(m *Message) int {
	n := len(m.Role) + len(m.Content) + len(m.Call) + len(m.Name) + messageOverhead
	for _, c := range m.Calls {
		n += len(c.ID) + len(c.Name) + len(c.Text) + messageOverhead
		if c.Args != nil {
			n += value.Size(c.Args)
		}
	}
	if m.Raw != nil {
		n += value.Size(m.Raw)
	}
	return n
}

// messageOverhead is the bytes around a message in a request.
const messageOverhead = 24

func setText(m map[string]any, name, text string) {
	if text != "" {
		m[name] = text
	}
}

func setInt(m map[string]any, name string, n int64) {
	if n != 0 {
		m[name] = n
	}
}

func textOf(v any) string { s, _ := v.(string); return s }

func intOf(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

func numberOf(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "an object"
}

// isModelStep reports whether a step is that of a model; isToolStep of a tool.
func isModelStep(s *nodes.StepRecord) bool { return strings.HasPrefix(s.Name, ModelStep) }
func isToolStep(s *nodes.StepRecord) bool  { return strings.HasPrefix(s.Name, ToolStep) }
