package cond

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/graphrun/graphrun/diag"
)

// bytesPerInst is the approximate size of an instruction of a compiled pattern.
const bytesPerInst = 500

// match is `text matches pattern`. A pattern that is constant is compiled when
// the graph is loaded.
type match struct {
	text, pattern code
	ready         *pattern // of a constant pattern
	at            diag.Span
}

// pattern is a compiled regular expression and the number of its instructions:
// a match costs at most text × size.
type pattern struct {
	re   *regexp.Regexp
	size int
}

// newPattern compiles within maxPattern instructions.
func newPattern(s string) (*pattern, error) {
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, patternError(err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, patternError(err)
	}
	if len(prog.Inst) > maxPattern {
		return nil, errPatternSize
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, patternError(err)
	}
	return &pattern{re: re, size: len(prog.Inst)}, nil
}

// patternError is the error of the parser with a bounded part of the pattern.
func patternError(err error) error {
	var e *syntax.Error
	if errors.As(err, &e) && e.Expr != "" {
		return fmt.Errorf("%s: %q", e.Code, shorten(e.Expr))
	}
	return err
}

const errPatternSize = sentinel("the pattern is too large")

// sentinel is an error that is its text.
type sentinel string

func (s sentinel) Error() string { return string(s) }

func (c *match) eval(e *Env) any { return c.test(e) }

func (c *match) test(e *Env) bool {
	v := c.text.eval(e)
	p := c.ready
	if p == nil {
		p = c.compile(e)
	}
	if e.err != nil {
		return false
	}
	s, ok := v.(string)
	if !ok {
		e.fail(c.at, `"matches" needs a string, not %s`, kindOf(v))
		return false
	}
	return e.tick(&c.at, 1+len(s)*(1+p.size>>4)) && p.re.MatchString(s)
}

// compile compiles a pattern that is not constant. Compiling can take a thousand
// times as long as reading the pattern, and is charged accordingly.
func (c *match) compile(e *Env) *pattern {
	v := c.pattern.eval(e)
	if e.err != nil {
		return nil
	}
	s, ok := v.(string)
	if !ok {
		e.fail(c.at, "a pattern is a string, not %s", kindOf(v))
		return nil
	}
	if len(s) > maxText {
		e.fail(c.at, "a pattern has at most %d bytes, not %d", maxText, len(s))
		return nil
	}
	if !e.tick(&c.at, 20_000+1000*len(s)) {
		return nil
	}
	p, err := newPattern(s)
	if err != nil {
		e.fail(c.at, "bad pattern %q: %s", shorten(s), err)
		return nil
	}
	e.alloc(&c.at, p.size*bytesPerInst)
	return p
}
