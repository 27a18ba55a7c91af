package explore

import (
	"fmt"

	"github.com/graphrun/graphrun/graph"
)

// A key grows when it is larger at each quarter of a stack's cycles than at the one
// before, and no `keep` bounds it. Only stacks count that came far, and only keys that
// nodes write: what others send is theirs.

// farCycles is how many cycles a stack has to have for that.
const (
	farCycles = 80
	quarter   = farCycles / 4
)

type growth struct {
	keys  []int   // that could grow
	sizes [][]int // by key, at each quarter
}

func newGrowth(g *graph.Graph) growth {
	written := make([]bool, len(g.Keys))
	for i := range g.Nodes {
		for _, w := range g.Nodes[i].Writes {
			written[w.Key] = true
		}
	}
	var out growth
	for i := range g.Keys {
		if written[i] && g.Keys[i].Keep == 0 {
			out.keys = append(out.keys, i)
		}
	}
	out.sizes = make([][]int, len(out.keys))
	return out
}

func (g *growth) reset() {
	for i := range g.sizes {
		g.sizes[i] = g.sizes[i][:0]
	}
}

// mark notes the sizes at a quarter, in a stack that nobody has sent anything.
func (g *growth) mark(d *driver, l *live, cycles int) {
	if len(g.keys) == 0 || cycles == 0 || cycles > farCycles || cycles%quarter != 0 || l.sent > 0 || len(g.sizes[0]) >= cycles/quarter {
		return
	}
	state := d.m.State()
	for i, k := range g.keys {
		g.sizes[i] = append(g.sizes[i], count(state[d.s.g.Keys[k].Name]))
	}
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

// end reports the keys that have grown.
func (g *growth) end(k *worker, d *driver, number int) {
	for i, key := range g.keys {
		sizes := g.sizes[i]
		if len(sizes) < 4 || !rises(sizes) {
			continue
		}
		def := &d.s.g.Def.State[key]
		f := fault{kind: Grows, key: d.s.g.Keys[key].Name, line: def.Name.Span.Start.Line, column: def.Name.Span.Start.Col}
		k.w.add(seen{fault: f, message: fmt.Sprintf("state.%s grows with the cycles: %d after %d cycles, %d after %d", f.key, sizes[0], quarter, sizes[3], farCycles)})
		k.noteUntil(number, farCycles)
	}
}

// rises reports steady growth: at least one in five cycles.
func rises(sizes []int) bool {
	for i := 1; i < len(sizes); i++ {
		if sizes[i]-sizes[i-1] < quarter/5 {
			return false
		}
	}
	return true
}
