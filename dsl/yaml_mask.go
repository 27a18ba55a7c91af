package dsl

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/internal/late"
)

// yaml.v3 reads YAML 1.1. It takes four characters for syntax that are text in
// YAML 1.2: a question mark ends a plain scalar within { }, and NEL, LS and PS
// end a line, a comment too, so that what stands behind them would be read
// although every editor shows it as a part of the comment. yaml.v3 therefore
// sees a stand-in in their place: a character of private use that the source
// does not have.

// masked are the characters that yaml.v3 must not see.
const masked = "?\u0085\u2028\u2029"

// The characters that can be stand-ins.
const (
	firstPrivate = '\ue000'
	lastPrivate  = '\uf8ff'
)

// version is the directive of a YAML 1.2 file; before it there may be comments.
var version = late.Regexp(`^(?:[ \t]*(?:#[^\r\n]*)?[\r\n]+)*%YAML[ \t]+1\.(2)[ \t\r\n]`)

// chooseMask finds the stand-ins, once for a source. It reports false, with a
// problem, when the source has all characters of private use itself.
func (d *document) chooseMask() bool {
	if !bytes.ContainsAny(d.src, masked) {
		return true
	}
	var taken [lastPrivate - firstPrivate + 1]bool
	for _, r := range string(d.src) {
		if r >= firstPrivate && r <= lastPrivate {
			taken[r-firstPrivate] = true
		}
	}
	free := []rune{}
	for i, t := range taken {
		if !t && len(free) < utf8.RuneCountInString(masked) {
			free = append(free, firstPrivate+rune(i))
		}
	}
	if len(free) < utf8.RuneCountInString(masked) {
		d.diags.Add(diag.TooLarge, d.char(diag.Pos{Line: 1, Col: 1}), "write them as escapes in double quotes",
			"the file has nearly all characters that Unicode sets aside for private use")
		return false
	}
	d.stand = map[rune]rune{}
	back := []string{}
	for i, r := range []rune(masked) {
		d.stand[r] = free[i]
		back = append(back, string(free[i]), string(r))
	}
	d.unmask = strings.NewReplacer(back...)
	return true
}

// maskedSource is the source as yaml.v3 sees it. A question mark that marks a
// complex key stays. The end of the source ends its last line, as in YAML 1.2;
// yaml.v3 wants to see a line break there, or a block scalar lacks it.
func (d *document) maskedSource() []byte {
	src := d.src
	if n := len(src); n > 0 && !isBreak(rune(src[n-1])) {
		src = append(slices.Clip(src), '\n')
	}
	if m := version().FindSubmatchIndex(src); m != nil {
		src = bytes.Clone(src)
		src[m[2]] = '1' // the version that yaml.v3 says it reads
	}
	if d.unmask == nil {
		return src
	}
	out := make([]byte, 0, len(src)+64)
	lineStart := true
	for i := 0; i < len(src); {
		b := src[i]
		if b < utf8.RuneSelf {
			complexKey := lineStart && (i+1 == len(src) || bytes.IndexByte([]byte(" \t\r\n"), src[i+1]) >= 0)
			if b == '?' && !complexKey {
				out = utf8.AppendRune(out, d.stand['?'])
				lineStart = false
			} else {
				out = append(out, b)
				lineStart = b == '\n' || b == '\r' || lineStart && (b == ' ' || b == '-' || b == '?')
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if s, ok := d.stand[r]; ok {
			out = utf8.AppendRune(out, s)
		} else {
			out = append(out, src[i:i+n]...)
		}
		lineStart = false
		i += n
	}
	return out
}
