package graph

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// use is one place where a define uses another.
type use struct {
	define int
	at     diag.Span
}

// compileDefines compiles the defines so that each comes after those that it
// uses, wherever it is declared, and reports those that use themselves.
func (c *compiler) compileDefines() {
	defs := c.def.Define
	c.g.Defines = len(defs)
	byName := make(map[string]int, len(defs))
	for i := range defs {
		first(byName, defs[i].Name.Value, i)
	}
	uses := make([][]use, len(defs))
	next := make([][]int, len(defs))
	for i := range defs {
		uses[i] = usesOf(defs[i].Expr, byName)
		for _, u := range uses[i] {
			next[i] = append(next[i], u.define)
		}
	}
	looping := make([]bool, len(defs))
	for _, loop := range findLoops(next) {
		for _, i := range loop {
			looping[i] = true
		}
		c.reportRecursion(loop, next, uses)
	}
	before := make([][]int, len(defs))
	for i := range defs {
		if !looping[i] {
			before[i] = next[i]
		}
	}
	for _, i := range topological(before) {
		c.define(i, looping[i])
	}
	c.finishScopes()
}

// define compiles one define and adds it to the scope.
func (c *compiler) define(i int, looping bool) {
	d := &c.def.Define[i]
	name := cond.Name{Name: d.Name.Value, Type: schema.AnyType, Slot: i}
	if !looping {
		name.Define = c.expr(d.Expr, c.scopes.base, cond.Want{})
	}
	if name.Define != nil {
		name.Type = name.Define.Type()
	} else {
		c.lost = append(c.lost, d.Name.Value)
	}
	if !slices.Contains(scopeNames, name.Name) {
		c.scopes.base = c.scopes.base.With(name)
	}
}

func (c *compiler) reportRecursion(loop []int, next [][]int, uses [][]use) {
	path := loopPath(loop[0], loop, next)
	words := make([]string, len(path))
	for i, d := range path {
		words[i] = c.def.Define[d].Name.Value
	}
	last := path[len(path)-2]
	at := c.def.Define[last].Name.Span
	for _, u := range uses[last] {
		if u.define == path[0] {
			at = placed(u.at, at)
			break
		}
	}
	c.broken = true
	c.diags.Add(diag.Recursion, at, "", "a define cannot use itself: %s", strings.Join(words, " -> "))
}

// usesOf finds the defines that an expression uses.
func usesOf(text diag.Text, byName map[string]int) (out []use) {
	for _, u := range cond.Uses(text) {
		if i, ok := byName[u.Name]; ok {
			out = append(out, use{i, u.At})
		}
	}
	return out
}
