package runtime

import (
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// childrenIn lists the ids of the children that the tasks of some records may have.
func childrenIn(stack string, records []journal.Record) (ids []string) {
	for i := range records {
		if _, ok := records[i].Body.(*journal.TaskStarted); ok {
			key, _ := records[i].Task()
			ids = append(ids, machine.ChildID(stack, key))
		}
	}
	return ids
}
