package runtime

// waits says whether the stack waits with its commit, because the store is busy and more
// may come meanwhile. It does not wait with what somebody asked for, nor when all that it
// runs waits for the commit itself: then the commit is made ready while others are written.
func (d *drive) waits() bool {
	switch {
	case d.turn == come || !d.expects() || d.away <= len(d.recording) || len(d.acks) > 0 || d.stopping:
		d.turn = noTurn
		return false
	case d.turn == noTurn && (d.eng.busy == nil || !d.eng.busy.Busy(d.hasTurn)):
		return false
	}
	d.turn = awaited
	if len(d.ended) > 0 {
		d.gather() // others may wait for their slots
	}
	return true
}

// hasTurn is called by the store, when it is free.
func (d *drive) hasTurn() {
	d.post(func() {
		if d.turn == awaited { // else the commit was made without it
			d.turn = come
		}
	})
}
