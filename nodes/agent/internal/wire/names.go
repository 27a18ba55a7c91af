package wire

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/graphrun/graphrun/nodes/agent"
)

// maxName is the longest name that all APIs take.
const maxName = 64

// Names maps the names of tools in the graph to names on the wire and back.
type Names struct{ wire, graph map[string]string }

// NamesOf makes names for the tools of a question. Two tools never share a name.
func NamesOf(tools []agent.ToolSpec) Names {
	n := Names{wire: map[string]string{}, graph: map[string]string{}}
	for _, t := range tools {
		w := plain(t.Name)
		for i := 2; ; i++ {
			if _, taken := n.graph[w]; !taken {
				break
			}
			tail := fmt.Sprintf("_%d", i)
			w = plain(t.Name)
			w = w[:min(len(w), maxName-len(tail))] + tail
		}
		n.wire[t.Name], n.graph[w] = w, t.Name
	}
	return n
}

// Wire is the name on the wire, also of a tool that the question does not offer: an
// earlier answer may have called it.
func (n Names) Wire(name string) string {
	if w, ok := n.wire[name]; ok {
		return w
	}
	return plain(name)
}

// Graph is the name in the graph. A name that nobody offered comes back with `/` for
// `__`, so that the reader sees what the model wanted.
func (n Names) Graph(name string) string {
	if g, ok := n.graph[name]; ok {
		return g
	}
	return strings.ReplaceAll(name, "__", "/")
}

// plain writes a name with letters, digits, `_` and `-` alone.
func plain(name string) string {
	w := ID(strings.ReplaceAll(name, "/", "__"))
	if len(w) <= maxName {
		return w
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return fmt.Sprintf("%s_%08x", w[:maxName-9], h.Sum32())
}

// ID writes an id of a call so that every API takes it.
func ID(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, id)
}
