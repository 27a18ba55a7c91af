package cond

import (
	"fmt"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// function is one builtin: its parameters, the type of its result, and its code.
// A function with a predicate has a loop; all others have run.
type function struct {
	name        string
	doc         string // its signature, as the reference prints it
	least, most int    // how many arguments it takes; most is -1 for any number
	params      []param
	result      func(c *checker, k *call, args []typed) typed
	run         func(a args) any
	loop        *looping
	shares      bool // its value can hold one part many times
}

// param says what an argument may be.
type param struct {
	kinds []schema.Kind // empty for any kind
	elems []schema.Kind // of the elements of a list; empty for any kind
	null  bool          // null is allowed
}

// looping is what a function with a predicate does.
type looping struct {
	test   bool // the predicate must be a condition
	run    func(l *loop, e *Env, items []any) any
	result func(c *checker, l *loop, list, body typed, elem *schema.Type) typed
}

func (f *function) usage() string { return "write " + f.doc }

func (f *function) arity() string {
	switch {
	case f.most < 0:
		return fmt.Sprintf("at least %d %s", f.least, plural(int64(f.least), "argument"))
	case f.least == f.most:
		return fmt.Sprintf("%d %s", f.least, plural(int64(f.least), "argument"))
	}
	return fmt.Sprintf("%d or %d arguments", f.least, f.most)
}

// lookFunction returns the builtin of that name, or nil.
func lookFunction(name string) *function { return builtins()[name] }

func functionNames() []string { return slices.Sorted(maps.Keys(builtins())) }

// call is a call of a builtin without a predicate.
type call struct {
	function *function
	args     []code
	places   []diag.Span
	at       diag.Span
	hidden   []map[string]bool // of merge, by argument: properties that it may have and is not declared to have
}

func (k *call) eval(e *Env) any {
	n := len(e.argv)
	for _, a := range k.args {
		v := a.eval(e)
		e.argv = append(e.argv, v)
	}
	var out any
	if e.err == nil {
		out = k.function.run(args{e: e, k: k, v: e.argv[n:]})
	}
	clear(e.argv[n:])
	e.argv = e.argv[:n]
	return out
}

// args are the arguments of a running call. A value of the wrong kind had the type
// any at load, and is a failure.
type args struct {
	e *Env
	k *call
	v []any
}

func (a args) wrong(i int, want string) {
	a.e.fail(a.k.places[i], "%s needs %s, not %s", a.k.function.name, want, kindOf(a.v[i]))
}

func (a args) text(i int) string {
	s, ok := a.v[i].(string)
	if !ok {
		a.wrong(i, "a string")
	}
	return s
}

// textOr is argument i, or a default for an argument that is not given.
func (a args) textOr(i int, other string) string {
	if i >= len(a.v) {
		return other
	}
	return a.text(i)
}

func (a args) int(i int) int64 {
	n, ok := integral(a.v[i])
	if !ok {
		a.wrong(i, "an integer")
	}
	return n
}

func (a args) float(i int) float64 {
	f, ok := toFloat(a.v[i])
	if !ok {
		a.wrong(i, "a number")
	}
	return f
}

func (a args) list(i int) []any {
	l, ok := a.v[i].([]any)
	if !ok {
		a.wrong(i, "a list")
	}
	return l
}

func (a args) object(i int) map[string]any {
	m, ok := a.v[i].(map[string]any)
	if !ok {
		a.wrong(i, "an object")
	}
	return m
}

func (a args) failed() bool { return a.e.err != nil }

func (a args) fail(format string, v ...any) any { return a.e.fail(a.k.at, format, v...) }

// spend charges n bytes of a result, and the work of writing them, before the
// result is built.
func (a args) spend(n int) bool { return a.e.alloc(&a.k.at, n) }

func (a args) spendList(n int) bool { return a.e.allocList(&a.k.at, n) }

func (a args) tick(n int) bool { return a.e.tick(&a.k.at, n) }
