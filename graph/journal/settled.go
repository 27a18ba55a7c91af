package journal

// Settled is how a node ended in a cycle.
type Settled struct {
	Node     string
	Status   string // succeeded, failed, skipped, waiting
	Attempts int
	Error    *Failure
	Reason   string // of a skip, in Cursor.Last
	Each     *Each  // of a for_each; nil where there is nothing to say of its elements

	// AtCommit says that the node's work succeeded and its writes did not fit, so
	// that no TaskFinished has the failure.
	AtCommit bool

	// Owed says, in Cursor.Last, that no node has run because of the failure yet,
	// and that one may in the next cycle.
	Owed bool
}

// Each is what is known of the elements of a for_each. It stands apart from Settled because
// every node that runs has one of those.
type Each struct {
	Order []string // of a for_each that sends: its tasks, in the order in which their messages leave

	// Failed is how many elements failed, and Of how many there were; both are 0 if none
	// failed.
	Failed, Of int

	// Results are those of the elements, where an edge from the node reads them.
	Results any
}

// Elements is what is known of the elements, the zero Each for nothing.
func (s *Settled) Elements() Each {
	if s.Each == nil {
		return Each{}
	}
	return *s.Each
}

// SetElements says what is known of the elements.
func (s *Settled) SetElements(e Each) {
	if s.Each = nil; len(e.Order) > 0 || e.Of > 0 || e.Results != nil {
		kept := e // only this one escapes
		s.Each = &kept
	}
}

func (s *Settled) members(c *codec) {
	e := s.Elements()
	c.name("node", &s.Node)
	c.word("status", &s.Status)
	number(c, "attempts", &s.Attempts)
	somePointer(c, "error", &s.Error, (*Failure).members)
	c.someWord("reason", &s.Reason)
	c.someTexts("elements", &e.Order)
	someNumber(c, "failed", &e.Failed)
	someNumber(c, "of", &e.Of)
	c.someValue("results", &e.Results)
	c.someBool("at_commit", &s.AtCommit)
	c.someBool("owed", &s.Owed)
	if c.reading() {
		s.SetElements(e)
	}
}

// some is the public form of a for_each in which elements failed.
func (s *Settled) some(c *codec) {
	c.text("node", &s.Node)
	e := s.Elements()
	number(c, "failed", &e.Failed)
	number(c, "of", &e.Of)
	s.SetElements(e)
}

// unfit is the public form of a node whose writes did not fit.
func (s *Settled) unfit(c *codec) {
	s.Status, s.AtCommit = "failed", true
	c.text("node", &s.Node)
	somePointer(c, "error", &s.Error, (*Failure).members)
}

// Failure is why a task or a node failed.
type Failure struct {
	Kind      string
	Message   string
	Permanent bool // journal: it is not retried
	// Limit is "tokens" or "cost" where the task would pass this limit of the stack
	// (journal): the stack ends with its wave.
	Limit string

	Code   *int64  // the exit code, or the HTTP status; nil means none
	Item   string  // the element's key, of the failure of a node under for_each
	Path   string  // the place within the node's graph, as "check/lint" or "each[b]/lint"; "" for the node's own
	Output *string // what the work had given out until then, bounded; nil means nothing
}

// Value is the failure of a node as expressions read it.
func (f *Failure) Value(node string) map[string]any {
	v := map[string]any{"node": node, "kind": f.Kind, "message": f.Message, "code": nil, "item": nil, "path": f.Path, "output": nil}
	if f.Code != nil {
		v["code"] = *f.Code
	}
	if f.Item != "" {
		v["item"] = f.Item
	}
	if f.Path == "" {
		v["path"] = Spot{node, f.Item}.String()
	}
	if f.Output != nil {
		v["output"] = *f.Output
	}
	return v
}

func (f *Failure) members(c *codec) {
	c.word("kind", &f.Kind)
	c.text("message", &f.Message)
	maybe(c, "code", &f.Code, number)
	c.someText("item", &f.Item)
	c.someText("path", &f.Path)
	if c.whole {
		c.someBool("permanent", &f.Permanent)
		c.someWord("limit", &f.Limit)
		maybe(c, "output", &f.Output, (*codec).text)
	}
}
