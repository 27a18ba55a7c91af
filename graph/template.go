package graph

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// Template is a JSON value whose strings may contain ${{ expressions }}. It is
// immutable and safe for concurrent use. Parts without expressions are computed once
// and shared by all results: nobody may change a result.
type Template struct {
	root     part
	typ      *schema.Type
	programs []*cond.Program
	secrets  []string // that the graph declares; nil if no expression reads one
}

// fewPrograms is up to how many expressions a template is not measured as a
// whole: each of them has a bound of its own.
const fewPrograms = 4

// Eval evaluates the expressions and returns the value. Errors are *cond.Error.
func (t *Template) Eval(env *cond.Env) (any, error) {
	v, err := t.root.eval(env)
	if err == nil && len(t.programs) > fewPrograms && !value.Within(v, value.MaxBytes) {
		return nil, tooLong(t.programs[0])
	}
	return v, err
}

func tooLong(p *cond.Program) error {
	return &cond.Error{Span: p.Text().Span, Limit: true,
		Message: fmt.Sprintf("the value that is filled in here becomes longer than %d bytes", value.MaxBytes)}
}

// Type returns the type of the values of Eval. Moments and durations are text.
func (t *Template) Type() *schema.Type { return t.typ }

// Const returns the value of a template without expressions.
func (t *Template) Const() (any, bool) {
	c, ok := t.root.(constant)
	return c.value, ok
}

// Programs returns its expressions, in the order of the text; none of a nil template.
func (t *Template) Programs() []*cond.Program {
	if t == nil {
		return nil
	}
	return t.programs
}

// part is one piece of a compiled template.
type part interface {
	eval(env *cond.Env) (any, error)
}

type (
	// constant is a sub-tree without expressions.
	constant struct{ value any }
	// broken has an error, which is reported: it fits everywhere.
	broken struct{}
	// whole is a string that is one expression: its value keeps its type.
	whole struct{ program *cond.Program }
	// written is a string with expressions inside text.
	written []piece
	// list and object hold at least one part that is no constant.
	list   []part
	object struct {
		keys  []string
		parts []part
	}
)

// piece is literal text, or an expression when program is set.
type piece struct {
	literal string
	program *cond.Program
}

func (c constant) eval(*cond.Env) (any, error) { return c.value, nil }

func (broken) eval(*cond.Env) (any, error) { return nil, nil }

func (w whole) eval(env *cond.Env) (any, error) {
	return w.program.Eval(env)
}

func (w written) eval(env *cond.Env) (any, error) {
	var b strings.Builder
	for _, p := range w {
		if p.program == nil {
			b.WriteString(p.literal)
			continue
		}
		v, err := p.program.Eval(env)
		if err != nil {
			return nil, err
		}
		b.WriteString(value.Text(v))
		if b.Len() > value.MaxBytes {
			return nil, tooLong(p.program)
		}
	}
	return b.String(), nil
}

func (l list) eval(env *cond.Env) (any, error) {
	out := make([]any, len(l))
	for i, p := range l {
		v, err := p.eval(env)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (o object) eval(env *cond.Env) (any, error) {
	out := make(map[string]any, len(o.keys))
	for i, p := range o.parts {
		v, err := p.eval(env)
		if err != nil {
			return nil, err
		}
		out[o.keys[i]] = v
	}
	return out, nil
}
