package temporaldriver

import "github.com/graphrun/graphrun/runtime"

// probe is what tests of this package see of stacks, and what they change about them.
type probe struct {
	nonce     string               // of all stacks
	committed func(runtime.Commit) // is called with every commit
	// replays, when set, is called with every decision, and with what a replay reads in its
	// place. The stack goes by the latter, and its machine is made again for the next one.
	replays func(decided, read *decision)
}

// complete copies into a decision that was read what is not recorded: what attempts and other
// stacks get. A replay has that in its history.
func (d *decision) complete(decided *decision) {
	for i := range d.begins {
		d.begins[i].task, d.begins[i].birth = decided.begins[i].task, decided.begins[i].birth
	}
	for i := range d.sends {
		d.sends[i].event = decided.sends[i].event
	}
}
