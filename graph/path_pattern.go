package graph

import (
	"fmt"
	"path"
	"strings"
)

// PathPattern is a pattern of paths with `/` between their parts: `*`, `?` and `[…]`
// match within a part, `**` alone in a part matches any number of parts, also none.
type PathPattern struct {
	Text  string
	parts []string
}

// ParsePathPattern reads a pattern. The parts before the first one with a wildcard are
// where a search has to begin: see Root.
func ParsePathPattern(text string) (PathPattern, error) {
	if strings.TrimSpace(text) == "" {
		return PathPattern{}, fmt.Errorf("the pattern is empty")
	}
	p := PathPattern{Text: text, parts: strings.Split(path.Clean(text), "/")}
	for _, part := range p.parts {
		if _, err := path.Match(part, ""); err != nil {
			return PathPattern{}, fmt.Errorf("pattern %q: %q is no part of a path", text, part)
		}
	}
	return p, nil
}

// Root is the folder in which all that matches is, and Deep says that it may be in a
// folder of any depth below. The parts of the root have no wildcard.
func (p PathPattern) Root() (folder string, deep bool) {
	n := 0
	for n < len(p.parts)-1 && !strings.ContainsAny(p.parts[n], `*?[\`) {
		n++
	}
	folder = strings.Join(p.parts[:n], "/")
	for _, part := range p.parts {
		deep = deep || part == "**"
	}
	switch {
	case folder == "" && n > 0:
		folder = "/"
	case folder == "":
		folder = "."
	}
	return folder, deep
}

// Depth is how many parts a path has at most that matches without `**`.
func (p PathPattern) Depth() int { return len(p.parts) }

// Match says whether a path matches. The path is clean.
func (p PathPattern) Match(name string) bool {
	return matchParts(p.parts, strings.Split(name, "/"))
}

// matchParts compares from the left. Where a part does not match, the last `**` before it
// takes one part more: last is its place, from the part of the name after what it took.
func matchParts(pattern, name []string) bool {
	i, last, from := 0, -1, 0
	for k := 0; k < len(name); {
		switch {
		case i < len(pattern) && pattern[i] == "**":
			last, from = i, k
			i++
		case i < len(pattern) && matchPart(pattern[i], name[k]):
			i++
			k++
		case last >= 0:
			from++
			i, k = last+1, from
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == "**" {
		i++
	}
	return i == len(pattern)
}

func matchPart(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
