package journal

// Settled is how a node ended in a cycle.
type Settled struct {
	Node     string
	Status   string // succeeded, failed, skipped, waiting
	Attempts int
	Error    *Failure
	Elements []string // of a for_each that sends: its tasks, in the order in which their messages leave

	// AtCommit says that the node's work succeeded and its writes did not fit, so
	// that no TaskFinished has the failure.
	AtCommit bool

	// Owed says, in Cursor.Last, that no node has run because of the failure yet,
	// and that one may in the next cycle.
	Owed bool
}

func (s *Settled) members(c *codec) {
	c.text("node", &s.Node)
	c.text("status", &s.Status)
	number(c, "attempts", &s.Attempts)
	somePointer(c, "error", &s.Error, (*Failure).members)
	c.someTexts("elements", &s.Elements)
	c.someBool("at_commit", &s.AtCommit)
	c.someBool("owed", &s.Owed)
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
}

func (f *Failure) members(c *codec) {
	c.text("kind", &f.Kind)
	c.text("message", &f.Message)
	if c.whole {
		c.someBool("permanent", &f.Permanent)
	}
}
