package runtime

import (
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// watch has somebody look for the files that a stack waits for. Most stacks wait for none.
func (d *drive) watch() {
	if d.live == nil {
		return
	}
	var open []journal.Waiting
	if !d.closed && !d.over && !d.stopping && !d.visited {
		for i := range d.cursor.Waiting {
			if w := &d.cursor.Waiting[i]; w.Files != "" && !w.Answered {
				open = append(open, *w)
			}
		}
	}
	if len(open) == 0 && !d.watching {
		return
	}
	d.watching = len(open) > 0
	d.eng.files.watch(d, d.g.Dir, open)
}

// hear gives the machine what was seen of the files.
func (d *drive) hear(in machine.Files) {
	d.post(func() {
		in.At = d.now()
		d.step(in)
	})
}
