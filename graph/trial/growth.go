package trial

import "github.com/graphrun/graphrun/graph"

// A key grows when it is larger at each quarter of FarCycles than at the one before, by at
// least one in five cycles, and no `keep` bounds it. Only keys count that nodes write: what
// others send is theirs.

// FarCycles is how many cycles a stack has to have for that.
const FarCycles = 80

const quarter = FarCycles / 4

// Growth watches the keys of one stack that could grow. Not safe for concurrent use.
type Growth struct {
	keys  []int
	sizes [][]int // by key, at each quarter
}

// Grown is a key that has grown.
type Grown struct {
	Key  int // index in the graph
	From int // its size after a quarter of FarCycles: elements, properties, or bytes of a text
	To   int // and after all of them
}

// NewGrowth watches the stacks of a graph, one after the other.
func NewGrowth(g *graph.Graph) *Growth {
	written := make([]bool, len(g.Keys))
	for i := range g.Nodes {
		for _, w := range g.Nodes[i].Writes {
			written[w.Key] = true
		}
	}
	out := &Growth{}
	for i := range g.Keys {
		if written[i] && g.Keys[i].Keep == 0 {
			out.keys = append(out.keys, i)
		}
	}
	out.sizes = make([][]int, len(out.keys))
	return out
}

// Reset begins with another stack.
func (g *Growth) Reset() {
	for i := range g.sizes {
		g.sizes[i] = g.sizes[i][:0]
	}
}

// Due reports whether Mark has to see the state after so many cycles.
func (g *Growth) Due(cycles int) bool {
	return len(g.keys) > 0 && cycles > 0 && cycles <= FarCycles && cycles%quarter == 0 && len(g.sizes[0]) == cycles/quarter-1
}

// Mark notes how large the keys are, and gives those that have grown, once it is known.
func (g *Growth) Mark(keys []graph.Key, state map[string]any) (grown []Grown) {
	for i, k := range g.keys {
		g.sizes[i] = append(g.sizes[i], count(state[keys[k].Name]))
		if s := g.sizes[i]; len(s) == 4 && rises(s) {
			grown = append(grown, Grown{Key: k, From: s[0], To: s[3]})
		}
	}
	return grown
}

// count is how large a value is: elements, properties, or bytes of a text.
func count(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	case string:
		return len(v)
	}
	return 0
}

func rises(sizes []int) bool {
	for i := 1; i < len(sizes); i++ {
		if sizes[i]-sizes[i-1] < quarter/5 {
			return false
		}
	}
	return true
}
