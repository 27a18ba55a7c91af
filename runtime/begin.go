package runtime

// wakeLoaded lets the machine of a stack that was just loaded say what it waits for,
// and then reads the mail.
func (d *drive) wakeLoaded() {
	if !d.closed {
		d.eng.timers.Stop(d.wake)
		d.wake = nil
		d.warnOfParked()
		d.attachHeld()
		d.settle()
	}
	d.releasePools()
	d.loop()
}

// begin makes the first commit and then leaves the stack to its loop. A new stack
// that is in the store has begun, whatever becomes of the commits that follow.
func (d *drive) begin(admit func() error) (*Stack, error) {
	if err := admit(); err != nil {
		return nil, err
	}
	d.log.Debug("driven from here on", "graph", d.graph, "hash", d.g.Hash, "cycle", d.cursor.Cycle, "wave", d.cursor.Wave)
	isNew := d.cursor.Seq == 0
	var err error
	stall, first := d.nextStall(), make(chan struct{})
	go func() {
		d.attachHeld()
		if d.settle(); d.closed && !(isNew && d.cursor.Seq > 0) {
			err = d.err
		}
		close(first)
		d.loop()
	}()
	select {
	case <-first:
	case <-stall.begun: // not for what was asked: the stack is in the store, or a child
		return &d.handle, nil
	}
	if err != nil {
		return nil, err
	}
	return &d.handle, nil
}
