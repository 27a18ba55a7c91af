package cond

import (
	"github.com/graphrun/graphrun/diag"
)

// Part is one piece of a condition with its value in one Env. Conditions are
// taken apart at && || and not.
type Part struct {
	Op        string    // "&&", "||", "not", or "" for a piece that is not taken apart further
	Text      string    // the source of the piece, without brackets around it
	Span      diag.Span // where it stands
	Evaluated bool      // false when an earlier part decided the condition
	Value     any       // nil when it was not evaluated, failed, or is null
	Err       *Error    // why it has no value
	Parts     []Part    // two for && and ||, one for not
}

// part is how a condition is put together.
type part struct {
	op       string
	of       typed
	from, to int // bytes of the source
	kids     []*part
	test     testCode
}

// partOf is the part that a checked node is.
func (c *checker) partOf(t typed) *part {
	p := t.part
	if p == nil {
		p = &part{of: t}
	}
	p.from, p.to = balance(c.text.Value, c.byteAt(t.from), c.byteAt(max(t.to, t.from)))
	p.test = asTest(t.code, c.text.Sub(p.from, p.to))
	return p
}

// Explain evaluates a condition part by part: each part is evaluated at most
// once and only when the condition itself would evaluate it.
func (p *Program) Explain(env *Env) Part {
	out, err := p.guardedExplain(env)
	if e := AsError(err); e != nil {
		out.Err = e
	}
	return out
}

func (p *Program) guardedExplain(env *Env) (out Part, err error) {
	env.begin()
	defer env.guard(p, &err) // recovers: it must be deferred itself
	frame := env.enter(p.locals)
	out = p.explain(p.root, env)
	env.leave(frame)
	return out, nil
}

func (p *Program) explain(at *part, env *Env) Part {
	out := Part{Op: at.op, Text: p.text.Value[at.from:at.to], Span: p.text.Sub(at.from, at.to), Evaluated: true}
	env.err = nil
	switch at.op {
	case "":
		out.Value = at.of.code.eval(env)
	case "not":
		kid := p.explain(at.kids[0], env)
		out.Parts = []Part{kid}
		out.Value = kid.Value != true
	default:
		left := p.explain(at.kids[0], env)
		decided := (left.Value == true) == (at.op == "||")
		if left.Err != nil || decided {
			out.Parts = []Part{left, p.idle(at.kids[1])}
			out.Value = decided && at.op == "||"
			break
		}
		right := p.explain(at.kids[1], env)
		out.Parts = []Part{left, right}
		out.Value = right.Value == true
	}
	if env.err == nil {
		out.Value = plainTimes(env, &out.Span, out.Value, 0)
	}
	if env.err != nil {
		out.Err, out.Value = env.err, nil
	}
	return out
}

// idle is a part that was not evaluated.
func (p *Program) idle(at *part) Part {
	out := Part{Op: at.op, Text: p.text.Value[at.from:at.to], Span: p.text.Sub(at.from, at.to)}
	for _, kid := range at.kids {
		out.Parts = append(out.Parts, p.idle(kid))
	}
	return out
}

// balance widens the bytes from..to of s until its brackets are balanced, and
// includes an argument list that follows directly. The syntax tree does not say
// where a call or an index ends.
func balance(s string, from, to int) (int, int) {
	open := 0  // brackets to close after to
	close := 0 // brackets to open before from
	count := func(i int) {
		switch s[i] {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			if open > 0 {
				open--
			} else {
				close++
			}
		}
	}
	to = scan(s, from, to, count)
	for open > 0 && to < len(s) {
		to = scan(s, to, to+1, count)
	}
	for to < len(s) && s[to] == '(' && from < to && isWord(s[to-1]) {
		to = scan(s, to, to+1, count)
		for open > 0 && to < len(s) {
			to = scan(s, to, to+1, count)
		}
	}
	for from > 0 && close > 0 {
		from--
		switch s[from] {
		case '(', '[', '{':
			close--
		case ')', ']', '}':
			close++
		}
	}
	return from, to
}

func isWord(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// scan calls count for the bytes from..to that are outside strings, and
// returns where it stopped: beyond to when a string reaches there.
func scan(s string, from, to int, count func(int)) int {
	i := from
	for ; i < to && i < len(s); i++ {
		switch s[i] {
		case '"', '\'', '`':
			i = skipString(s, i)
		default:
			count(i)
		}
	}
	return min(i, len(s))
}
