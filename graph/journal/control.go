package journal

// StackControl says that somebody controlled the stack. What the command did is in the records
// that follow it, and in the cursor: the record itself changes nothing.
type StackControl struct {
	Action Action
	By     string // who
	Node   string // of CancelTask: the node, and the element's key
	Item   string
}

// Action is what somebody had a stack do.
type Action string

const (
	ActionPause      Action = "pause"
	ActionResume     Action = "resume"
	ActionWake       Action = "wake"
	ActionStop       Action = "stop"
	ActionCancel     Action = "cancel"
	ActionCancelTask Action = "cancel-task"
)

// Type is stack.control.
func (*StackControl) Type() string { return "stack.control" }

func (b *StackControl) members(c *codec) {
	c.word("action", (*string)(&b.Action))
	c.text("by", &b.By)
	c.someName("node", &b.Node)
	c.someText("item", &b.Item)
}
