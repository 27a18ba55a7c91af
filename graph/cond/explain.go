package cond

import (
	"github.com/graphrun/graphrun/diag"
)

// Part is a piece of an expression, and what became of it.
//
//   - "&&", "||": two parts or more; "not": one; "?:": the condition and both values;
//     "??": the value and what stands for null.
//   - a comparison, with its operator as it is written ("==", "not in", "startsWith"):
//     both sides.
//   - "any", "all", "none", "one", "filter", "count": the list. List says which elements
//     matched, Reads what the predicate reads beside them.
//   - "call": the arguments; of a function that runs a predicate, the list, and Reads as
//     above.
//   - "define": what the name stands for, where it is read for the first time.
//   - "let": the value of the variable, and the rest.
//   - "value": none; Reads says what it reads.
type Part struct {
	Op        string
	Text      string    // the source of the piece, without brackets around it
	Span      diag.Span // where it stands
	Evaluated bool      // false when another part decided the expression
	Value     any       // nil when it was not evaluated, failed, or is null; moments and durations are text
	Err       *Error    // why it has no value
	Parts     []Part
	Reads     []Read
	List      *Matches // of what looks at the elements of a list, if it was evaluated
}

// Read is a value that a part reads by name.
type Read struct {
	Path  string // as it is written, as far as no value decides it: "state.todos[0].status"
	Name  string // the first name of Path
	Field string // the property that is read from it, or ""
	Value any    // nil too if the part was not evaluated, or there is no such element
}

// Matches counts the elements of a list for which a predicate holds.
type Matches struct {
	Matched, Of int    // an element for which the predicate fails does not match
	First       *Match // the first one that matched; of `all`, that did not; nil if there is none
}

// Match is an element of a list.
type Match struct {
	Index int
	Value any
	Holds bool // the predicate does
}

// Explain evaluates an expression part by part. A part is evaluated only when the
// expression itself would evaluate it, but for elements of a list behind the one that
// decides: they are counted, and their failures have no effect. The text is compiled
// again, so that programs carry nothing that Explain alone needs.
func (p *Program) Explain(env *Env) (out Part) {
	var err error
	defer func() {
		if e := AsError(err); e != nil {
			out.Err, out.Value = e, nil
		}
	}()
	env.begin()
	defer env.guard(p, &err) // recovers: it must be deferred itself
	x := &explaining{env: env, opened: map[*Program]bool{}}
	out = x.program(p)
	if _, err = p.Eval(env); AsError(err) != nil && !AsError(err).Limit {
		err = nil // it is that of a part
	}
	return out
}

// Unevaluated takes an expression apart that nobody evaluates: the pieces are those of
// Explain, without values.
func (p *Program) Unevaluated() Part {
	x := &explaining{text: p.text}
	root, _ := p.sketch()
	return x.idle(root)
}

// explaining is one explanation. Each part is evaluated within bounds of its own; work is
// what all of them have used, and bounds how far they are taken apart.
type explaining struct {
	env    *Env
	text   diag.Text         // of the program that is taken apart
	opened map[*Program]bool // defines that have been taken apart
	work   int
}

// program takes a program apart, in a frame of its own.
func (x *explaining) program(p *Program) Part {
	root, locals := p.sketch()
	outer := x.text
	x.text = p.text
	frame := x.env.enter(locals)
	out := x.part(root)
	x.env.leave(frame)
	x.text = outer
	return out
}

// part evaluates a part, and what is inside it.
func (x *explaining) part(at *part) Part {
	out := x.piece(at)
	out.Evaluated = true
	out.Value, out.Err = x.eval(at.code)
	if x.work > 4*maxWork {
		return out
	}
	for i := range out.Reads {
		out.Reads[i].Value, _ = x.eval(at.reads[i].code)
	}
	for i, kid := range at.kids {
		if reaches(at.op, out.Parts, i) {
			out.Parts = append(out.Parts, x.part(kid))
		} else {
			out.Parts = append(out.Parts, x.idle(kid))
		}
		if at.op == "let" && i == 0 { // the rest reads it
			x.env.stack[x.env.base+at.local], _ = x.raw(at.kids[0].code)
		}
	}
	if at.define != nil && !x.opened[at.define] {
		x.opened[at.define] = true
		out.Parts = []Part{x.program(at.define)}
	}
	if at.loop != nil {
		out.List = x.matches(at.op, at.loop)
	}
	return out
}

// reaches reports that part i of an operator that is evaluated is evaluated too, after
// those before it.
func reaches(op string, before []Part, i int) bool {
	if i == 0 {
		return true
	}
	last := before[i-1]
	switch op {
	case "&&":
		return last.Evaluated && last.Err == nil && last.Value == true
	case "||":
		return last.Evaluated && last.Err == nil && last.Value != true
	case "?:":
		return before[0].Err == nil && (before[0].Value == true) == (i == 1)
	case "??":
		return last.Err == nil && last.Value == nil
	}
	return last.Evaluated && last.Err == nil
}

// eval is the value of code, with moments and durations as text.
func (x *explaining) eval(c code) (any, *Error) {
	v, err := x.raw(c)
	if err != nil {
		return nil, err
	}
	at := x.text.Sub(0, len(x.text.Value))
	v = plainTimes(x.env, &at, v, 0)
	err, x.env.err = x.env.err, nil
	return v, err
}

func (x *explaining) raw(c code) (any, *Error) {
	e := x.env
	e.spent, e.err = spent{}, nil
	v := c.eval(e)
	err := e.err
	e.err = nil
	x.work += e.spent.work
	return v, err
}

// matches counts the elements for which a predicate holds. It is nil when there is no
// list, or the predicate fails before the element that decides.
func (x *explaining) matches(op string, l *loop) *Matches {
	list, _ := x.raw(l.list)
	items, ok := list.([]any)
	if !ok {
		return nil
	}
	out := &Matches{Of: len(items)}
	for i, it := range items {
		if x.work > 4*maxWork {
			return nil
		}
		x.env.spent, x.env.err = spent{}, nil
		holds := l.turn(x.env, i, it) && l.test.test(x.env)
		failed := x.env.err != nil
		x.work += x.env.spent.work
		x.env.err = nil
		if failed {
			if out.First == nil {
				return nil
			}
			continue
		}
		if holds {
			out.Matched++
		}
		if out.First == nil && holds == (op != "all") {
			at := l.at
			v := plainTimes(x.env, &at, it, 0)
			x.env.err = nil
			out.First = &Match{Index: i, Value: v, Holds: holds}
		}
	}
	return out
}

// idle is a part that was not evaluated, with what is inside it.
func (x *explaining) idle(at *part) Part {
	out := x.piece(at)
	for _, kid := range at.kids {
		out.Parts = append(out.Parts, x.idle(kid))
	}
	return out
}

// piece is a part by itself.
func (x *explaining) piece(at *part) Part {
	out := Part{Op: at.op, Text: x.text.Value[at.from:at.to], Span: x.text.Sub(at.from, at.to)}
	for _, r := range at.reads {
		out.Reads = append(out.Reads, Read{Path: r.path, Name: r.name, Field: r.field})
	}
	return out
}
