package cond

import (
	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
)

// Parsed keeps the syntax of expressions, so that a graph which is compiled again and again
// while somebody edits it parses only what has changed. It is filled by one compile at a
// time; then it may be read by many. A nil Parsed keeps nothing.
type Parsed struct {
	former, now map[string]parsing
}

// parsing is the tree of a text. Nothing in it depends on where the text stands, and nobody
// changes it.
type parsing struct {
	tree    ast.Node
	missing []paren
}

// NewParsed returns an empty Parsed that takes what a former one has. former may be nil.
func NewParsed(former *Parsed) *Parsed {
	p := &Parsed{now: map[string]parsing{}}
	if former != nil {
		p.former = former.now
	}
	return p
}

func (p *Parsed) parse(text diag.Text, problems *diag.List) (ast.Node, source) {
	if p == nil {
		return parse(text, problems)
	}
	if known, ok := p.former[text.Value]; ok {
		p.now[text.Value] = known
		return known.tree, bracketed(text, known.missing)
	}
	tree, src := parse(text, problems)
	if tree != nil && len(*problems) == 0 {
		p.now[text.Value] = parsing{tree, src.missing}
	}
	return tree, src
}
