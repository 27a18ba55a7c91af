package journal

// Pass is what the cycles of a graph with `once` have come to so far. It has no more
// entries than the graph has nodes.
type Pass struct {
	// Nodes have settled for good, in declaration order. Owed says of a failure that no
	// node has run because of it yet.
	Nodes []Settled
	// Fault is why the pass is a failed one besides the failures of nodes: a condition
	// could not be evaluated, or an event did not fit. "" if nothing is.
	Fault string
}

func (p *Pass) members(c *codec) {
	someList(c, "nodes", &p.Nodes, (*Settled).members)
	c.someText("fault", &p.Fault)
}

// Latch is the verdict over an edge that holds in the cycles that follow. The names of
// its nodes and its form say which edge it is.
type Latch struct {
	From      string // a node, or "start"
	To        string
	Outcome   string // of an edge from a node that is no `after`: success, failure, always, unless_failed
	After     bool
	NextCycle bool
	Dead      bool     // the edge is dead, under `once`; else it is live
	Fault     string   // its condition could not be evaluated
	Failure   *Failure // of the source of a live edge that follows a failure, without `once`
}

func (l *Latch) members(c *codec) {
	c.text("from", &l.From)
	c.text("to", &l.To)
	c.someWord("outcome", &l.Outcome)
	c.someBool("after", &l.After)
	c.someBool("next_cycle", &l.NextCycle)
	c.someBool("dead", &l.Dead)
	c.someText("fault", &l.Fault)
	somePointer(c, "failure", &l.Failure, (*Failure).members)
}
