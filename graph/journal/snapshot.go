package journal

import "strings"

// Snapshot is what a store has of a stack.
type Snapshot struct {
	Identity Identity
	Cursor   Cursor
	State    map[string]any // the machine's own names included
	Records  []Record       // from Cursor.CycleSeq on, whether a cycle is open or not
}

// SidecarMark begins the names of what a machine keeps beside the state. No key of
// a graph can begin with it.
const SidecarMark = "$"

// Visible is a stored state without the machine's own names, for those who read
// it from a store. The map is new when there are any.
func Visible(state map[string]any) map[string]any {
	for name := range state {
		if !strings.HasPrefix(name, SidecarMark) {
			continue
		}
		out := make(map[string]any, len(state))
		for k, v := range state {
			if !strings.HasPrefix(k, SidecarMark) {
				out[k] = v
			}
		}
		return out
	}
	return state
}
