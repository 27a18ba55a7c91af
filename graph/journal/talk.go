package journal

// Talk is what an agent gives besides its output.
type Talk struct {
	Messages any // a list of AgentMessage: what the run added to the conversation
	Usage    any // {turns, calls, input_tokens, output_tokens, cost, estimated}
}

func (t *Talk) members(c *codec) {
	c.someValue("messages", &t.Messages)
	c.someValue("usage", &t.Usage)
}

// MemoryWrite is one item that is put into a memory, or deleted from it.
type MemoryWrite struct {
	Memory string // its name in the graph
	ID     string
	Text   string
	Data   any    // canonical
	Model  string // PROVIDER/MODEL that made Vector; "" without one
	Vector string // base64 of little-endian 32-bit floats; "" without one
	Delete bool
}

func (w *MemoryWrite) members(c *codec) {
	c.text("memory", &w.Memory)
	c.text("id", &w.ID)
	c.someText("text", &w.Text)
	c.someValue("data", &w.Data)
	c.someText("model", &w.Model)
	c.someText("vector", &w.Vector)
	c.someBool("delete", &w.Delete)
}

// Call is a call of a tool that needs a person's word.
type Call struct {
	ID   string // unique in the task
	Tool string
	Args any
	// Answered says that the word was given.
	Answered bool
}

func (a *Call) members(c *codec) {
	c.text("id", &a.ID)
	c.text("tool", &a.Tool)
	c.someValue("args", &a.Args)
	c.someBool("answered", &a.Answered)
}

// TaskWaiting says that a running task begins to wait for somebody outside: for words on
// calls, or, without Calls, for what the stack waits for that does its work. Its node is
// waiting from now on until its result is applied.
type TaskWaiting struct {
	Wave    uint64
	Began   uint64 // as in TaskStarted
	Node    string
	Item    string
	Attempt int
	Calls   []Call
}

// Type is task.waiting.
func (*TaskWaiting) Type() string { return "task.waiting" }

func (b *TaskWaiting) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	list(c, "calls", &b.Calls, (*Call).members)
}

// TaskAnswered is a person's word on a call.
type TaskAnswered struct {
	Wave     uint64
	Began    uint64 // as in TaskStarted
	Node     string
	Item     string
	Attempt  int
	Call     string
	Approved bool
	Args     any    // journal: what the call is made with in place of the model's arguments; nil for those
	Comment  string // journal
	As       string // who gave the word, in their own words; journal while By is not known
	By       string // who gave the word, as the engine knows them; "" if nobody is known
}

// Type is task.answered.
func (*TaskAnswered) Type() string { return "task.answered" }

func (b *TaskAnswered) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	c.text("call", &b.Call)
	c.bool("approved", &b.Approved)
	if c.whole {
		c.someValue("args", &b.Args)
		c.someText("comment", &b.Comment)
	}
	c.asAndBy(&b.As, &b.By)
}

// asAndBy are the members `as` and `by`. As is `by` where nothing is known of By: versions
// before had no other, and did not show it in the public form.
func (c *codec) asAndBy(as, by *string) {
	switch {
	case c.packs:
		c.text("as", as)
		c.text("by", by)
	case c.in != nil:
		_, both := c.member("as")
		if !both {
			c.text("by", as)
			return
		}
		c.text("as", as)
		c.text("by", by)
	case *by == "":
		if c.whole {
			c.someText("by", as)
		}
	default:
		c.text("as", as)
		c.text("by", by)
	}
}

// Output is the word as an answer: {approved, comment, by}.
func (b *TaskAnswered) Output() map[string]any {
	out := map[string]any{"approved": b.Approved, "comment": nil, "by": nil}
	if b.Comment != "" {
		out["comment"] = b.Comment
	}
	if b.As != "" {
		out["by"] = b.As
	}
	return out
}

// TaskHeld says that an attempt returned because its task waits. Another attempt
// continues when all calls have their words; a held attempt uses up no retry.
type TaskHeld struct {
	Wave    uint64
	Began   uint64 // as in TaskStarted
	Node    string
	Item    string
	Attempt int
	Tokens  int64   // journal: what the attempt used, without its steps
	Cost    float64 // journal
}

// Type is task.held.
func (*TaskHeld) Type() string { return "task.held" }

func (b *TaskHeld) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	if c.whole {
		someNumber(c, "tokens", &b.Tokens)
		c.someFloat("cost", &b.Cost)
	}
}
