package graph

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// Compile checks a definition and freezes it. def must not change afterwards. The
// list has all problems, sorted by place; errors in one part do not keep the rest
// from being checked. The Graph is nil if one of the problems is an error.
func Compile(def Def, kinds Kinds) (*Graph, diag.List) { return compile(def, kinds, nil) }

// compile is Compile; it fills in a survey if there is one.
func compile(def Def, kinds Kinds, survey *Survey) (*Graph, diag.List) {
	def.Nodes, def.Params, def.State = slices.Clone(def.Nodes), slices.Clone(def.Params), slices.Clone(def.State)
	def.Providers, def.Servers, def.Tools = slices.Clone(def.Providers), slices.Clone(def.Servers), slices.Clone(def.Tools)
	c := &compiler{def: &def, kinds: kinds, survey: survey, fieldTypes: map[string]*schema.Type{}, edges: map[edgeKey]struct{}{}}
	c.g = &Graph{Name: def.Name.Value, Def: &def, index: newIndex(&def)}
	if def.File != "" {
		c.g.Dir = filepath.Dir(def.File)
	}
	c.checkNames()
	c.checkValues()
	c.compileTypes()
	c.compileParams()
	c.compilePools()
	c.compileState()
	c.declareNodes()
	c.declareFinally()
	c.buildScopes()
	c.compileReducers()
	c.compileDefines()
	c.compileEvents()
	c.compileWebhooks()
	c.compileHooks()
	c.compileEdges()
	c.compileProviders()
	c.compileServers()
	c.compileMemories()
	c.compileTools()
	c.compileNodes()
	c.compileLate()
	c.compileEnd()
	if survey != nil && survey.sought != "" {
		c.declare()
		return nil, nil
	}
	c.findLeaving()
	c.checkFinalWaits()
	c.checkOnce()
	c.checkLoops()
	c.checkJoins()
	c.checkReach()
	c.checkConflicts()
	c.checkPairing()
	c.checkBounds()
	c.checkPrices()
	c.checkGuards()
	c.checkUse()
	c.declare()
	c.diags.Sort()
	if survey != nil || c.diags.HasErrors() {
		return nil, c.diags
	}
	c.g.freeze()
	c.g.scope = c.scopes.base
	return c.g, c.diags
}

// compiler holds what the parts of one Compile share.
type compiler struct {
	def    *Def
	kinds  Kinds
	g      *Graph
	diags  diag.List
	types  *schema.Set
	survey *Survey // nil but for Examine

	scopes     scopes
	final      scopes // of the nodes of `finally`
	edges      map[edgeKey]struct{}
	usesOf     map[*cond.Program][]cond.Use // the names in those that were compiled from a text
	programs   []*cond.Program              // all compiled expressions, to know what they read
	retryWhen  *cond.Program                // of the default retry
	fieldTypes map[string]*schema.Type      // of the kinds' fields, by their short spelling
	lost       []string                     // defines with errors
	stuck      []bool                       // nodes whose join cannot be satisfied
	cut        []bool                       // nodes with an edge from a name that is not known
	named      named                        // what of providers, servers, tools and memories is used
	asked      []asked                      // models that the configurations name
	toolLoops  bool                         // tools call themselves
	broken     bool                         // an expression has errors, so the used names are not known
	pairs      int                          // write conflicts that are reported
	loops      bool                         // the edges have a loop, so checks that need an order are left out
}

// expr compiles an expression, and adds its problems to the list. It returns nil
// for an expression with errors.
func (c *compiler) expr(text diag.Text, scope *cond.Scope, want cond.Want) *cond.Program {
	c.surveyed(text, scope, want)
	p, uses, problems := cond.CompileUses(text, scope, want, c.parsed())
	if p == nil {
		// A warning about an expression with errors only distracts.
		problems = slices.DeleteFunc(problems, func(d diag.Diagnostic) bool { return d.Severity == diag.Warning })
	}
	sayFinally(problems)
	c.diags = append(c.diags, c.own(text.Value, problems)...)
	if p == nil {
		c.broken = true
		return nil
	}
	c.programs = append(c.programs, p)
	if c.usesOf == nil {
		c.usesOf = map[*cond.Program][]cond.Use{}
	}
	c.usesOf[p] = uses
	return p
}

// parsed are the expressions of an earlier version, nil but for Examine.
func (c *compiler) parsed() *cond.Parsed {
	if c.survey == nil {
		return nil
	}
	return c.survey.parsed
}

// condition compiles an expression that must be boolean. It returns nil for an
// absent condition, and for one with errors.
func (c *compiler) condition(text diag.Text, scope *cond.Scope) *cond.Program {
	if text.Value == "" && text.Span.IsZero() || c.survey.ignores(text) {
		return nil
	}
	return c.expr(text, scope, cond.Want{Condition: true})
}

// Expression compiles an expression over a stack of the graph, as a condition of `stop`
// sees it: state, params, nodes, stack, cycle, now, and the names of `define`. It returns
// all problems at once; with errors the program is nil.
func (g *Graph) Expression(text diag.Text, want cond.Want) (*cond.Program, diag.List) {
	return cond.Compile(text, g.scope, want)
}

// schema compiles a type. A type with errors becomes any.
func (c *compiler) schema(n *tree.Node) *schema.Type {
	t, problems := c.types.Compile(n)
	c.diags = append(c.diags, problems...)
	return t
}

// own drops `untyped` for an expression that uses a define with errors: the type of
// the define is not known.
func (c *compiler) own(text string, problems diag.List) diag.List {
	if len(c.lost) == 0 || !slices.ContainsFunc(c.lost, func(d string) bool { return strings.Contains(text, d) }) {
		return problems
	}
	return slices.DeleteFunc(problems, func(d diag.Diagnostic) bool { return d.Code == diag.Untyped })
}

// unknown reports a name that does not exist, and suggests one that does.
func (c *compiler) unknown(code diag.Code, what string, name diag.Text, among []string) {
	help := diag.Suggest(name.Value, among)
	if help == "" {
		help = listed(what, among)
	}
	c.diags.Add(code, name.Span, help, "unknown %s %q", what, name.Value)
}
