package journal

// Writer is a write of a commit that changed a key: of a node, of an event, or of a node
// whose question was answered. One of Node, Event and Answer is set.
type Writer struct {
	Key    string
	Node   string // that ran, or was in the background, or waited for a time, an event or files
	Event  string // whose payload went into the key
	Answer string // the node that waited for the answer
}

func (w *Writer) members(c *codec) {
	c.name("key", &w.Key)
	c.someName("node", &w.Node)
	c.someName("event", &w.Event)
	c.someName("answer", &w.Answer)
}

// By is who last wrote a key of the state, and the commit that did. Its JSON form is one
// of {"node","cycle","wave"}, for an answer with "answer":true and "as" too,
// {"event","cycle"}, {"initial":true} and {"fork":true,"cycle"}.
type By struct {
	Node   string // of a node, also when it was answered; else ""
	Event  string // of an event; else ""
	Cycle  uint64 // in which the key changed
	Wave   uint64 // of a node: the commit, as a Point counts; 0 is what a cycle begins with
	Answer bool   // the node waited for an answer, and was given one
	As     string // who answered; "" if that was not said

	Initial bool // nobody has changed the key since the stack was started
	Fork    bool // it was set when the stack was forked
}

func (by *By) members(c *codec) {
	c.someText("node", &by.Node)
	c.someText("event", &by.Event)
	c.someBool("initial", &by.Initial)
	c.someBool("fork", &by.Fork)
	if c.reading() || !by.Initial {
		c.uint("cycle", &by.Cycle)
	}
	if c.reading() || by.Node != "" {
		c.uint("wave", &by.Wave)
	}
	c.someBool("answer", &by.Answer)
	c.someText("as", &by.As)
}

// MarshalJSON writes the members that By names.
func (by By) MarshalJSON() ([]byte, error) {
	return object(&by, (*By).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (by *By) UnmarshalJSON(b []byte) error {
	*by = By{}
	return parseObject(b, "a writer", by, (*By).members)
}
