package explore

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/trial"
)

// grown looks at the sizes of keys after some of the cycles of a stack that nobody has
// sent anything.
func (w *watch) grown(d *driver, g *trial.Growth) {
	if !g.Due(w.cycles) || d.sent > 0 {
		return
	}
	for _, k := range g.Mark(d.s.g.Keys, d.m().State()) {
		at := d.s.g.Def.State[k.Key].Name.Span.Start
		f := fault{kind: Grows, key: d.s.g.Keys[k.Key].Name, line: at.Line, column: at.Col}
		w.add(seen{fault: f, message: fmt.Sprintf("state.%s grows with the cycles: it has %d after %d cycles and %d after %d",
			f.key, k.From, trial.FarCycles/4, k.To, trial.FarCycles)})
	}
}
