package machine

import "strings"

// ownMark begins the names of what a machine keeps beside the state. No key of
// a graph can begin with it.
const ownMark = "$"

// Visible is a stored state without the machine's own names, for those who read
// it from a store. The map is new when there are any.
func Visible(state map[string]any) map[string]any {
	for name := range state {
		if !strings.HasPrefix(name, ownMark) {
			continue
		}
		out := make(map[string]any, len(state))
		for k, v := range state {
			if !strings.HasPrefix(k, ownMark) {
				out[k] = v
			}
		}
		return out
	}
	return state
}
