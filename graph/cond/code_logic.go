package cond

// and, or and not treat null as false, and always give a boolean.
type and struct{ left, right testCode }

func (c *and) eval(e *Env) any  { return c.test(e) }
func (c *and) test(e *Env) bool { return c.left.test(e) && c.right.test(e) }

type or struct{ left, right testCode }

func (c *or) eval(e *Env) any  { return c.test(e) }
func (c *or) test(e *Env) bool { return c.left.test(e) || e.err == nil && c.right.test(e) }

type not struct{ of testCode }

func (c *not) eval(e *Env) any  { return c.test(e) }
func (c *not) test(e *Env) bool { return !c.of.test(e) }

// choice is `if ? then : other`.
type choice struct {
	cond        testCode
	then, other code
}

func (c *choice) eval(e *Env) any {
	if c.cond.test(e) {
		return c.then.eval(e)
	}
	if e.err != nil {
		return nil
	}
	return c.other.eval(e)
}

// coalesce is `left ?? right`.
type coalesce struct{ left, right code }

func (c *coalesce) eval(e *Env) any {
	if v := c.left.eval(e); v != nil || e.err != nil {
		return v
	}
	return c.right.eval(e)
}
