package journal

import "strings"

// Snapshot is a whole stack, from which a machine can continue it.
type Snapshot struct {
	Identity Identity
	Cursor   Cursor
	State    map[string]any // with the sidecars of the machine: see Visible
	Records  []Record       // from Cursor.CycleSeq on, whether a cycle is open or not; some may be rounds
}

func (s *Snapshot) members(c *codec) {
	nested(c, "identity", &s.Identity, (*Identity).members)
	nested(c, "cursor", &s.Cursor, (*Cursor).members)
	c.object("state", &s.State)
	if !c.reading() {
		singles := Singles(s.Records)
		list(c, "records", &singles, (*Record).members)
		return
	}
	list(c, "records", &s.Records, (*Record).members)
}

// SidecarMark begins the names of the sidecars: lists that a machine keeps beside
// the state. No key of a graph can begin with it.
const SidecarMark = "$"

// Visible is a stored state without the sidecars of the machine. The map is a new
// one when there are any.
func Visible(state map[string]any) map[string]any {
	for name := range state { // in any order: whether there is one
		if !strings.HasPrefix(name, SidecarMark) {
			continue
		}
		out := make(map[string]any, len(state))
		for k, v := range state { // in any order: a copy
			if !strings.HasPrefix(k, SidecarMark) {
				out[k] = v
			}
		}
		return out
	}
	return state
}
