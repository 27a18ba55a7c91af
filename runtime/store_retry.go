package runtime

import (
	"errors"
	"time"
)

// store makes a commit durable. While the store is in trouble it waits and tries again.
func (d *drive) store(c Commit) error {
	eng := d.eng
	waited := false
	for {
		if d.home.isGone() {
			return ErrClosed
		}
		err := eng.cfg.Store.Commit(eng.base, c)
		if err == nil || !d.waitsOut(err, &c) {
			if waited {
				d.goOn(err == nil)
			}
			return err
		}
		retry, first := eng.storage.trouble(err, !waited)
		if first {
			eng.log.Error("the store takes no commits; trying again until it does", "error", err)
		}
		waited = true
		poke := d.stall(err)
		if !d.inAHurry() {
			select {
			case <-retry:
			case <-poke:
			}
		}
		if d.inAHurry() {
			d.goOn(false)
			return err
		}
	}
}

// waitsOut says whether a failed commit is tried again. It is not when the caller can
// simply get the error: the commit was to create a stack (but not a child), or the stack was
// loaded for one command.
func (d *drive) waitsOut(err error, c *Commit) bool {
	var se *StoreError
	switch {
	case !errors.As(err, &se), d.eng.cfg.FailOnStoreError:
		return false
	case se.Fatal:
		d.home.fail(err)
		return false
	}
	return d.child || c.Create == nil && !d.visited
}

// stall notes that the loop waits for the store. A caller that wants something of the
// stack closes poke, to have the commit tried again at once.
func (d *drive) stall(why error) (poke <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.poke = make(chan struct{})
	if d.stalls != nil {
		d.stalls.why = why
		close(d.stalls.begun)
		d.stalls = nil
	}
	d.stalled = why
	d.eng.ail(d.name, true)
	return d.poke
}

// goOn ends what stall began.
func (d *drive) goOn(well bool) {
	d.mu.Lock()
	d.stalled, d.poke = nil, nil
	d.mu.Unlock()
	d.eng.ail(d.name, false)
	if since := d.eng.storage.settled(well); !since.IsZero() {
		d.eng.log.Info("the store takes commits again", "after", time.Since(since).Round(time.Second))
	}
}

// nextStall returns what tells the caller that the loop has come to wait for the store.
// If the loop waits already, it is made to try once more first.
func (d *drive) nextStall() *stall {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stalls == nil {
		d.stalls = &stall{begun: make(chan struct{})}
	}
	if d.poke != nil {
		close(d.poke)
		d.poke = nil
	}
	return d.stalls
}

// rushed returns a channel that is closed when the tasks of the stack have to end at
// once.
func (d *drive) rushed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rush == nil {
		d.rush = make(chan struct{})
		if d.hurried {
			close(d.rush)
		}
	}
	return d.rush
}

func (d *drive) inAHurry() bool {
	d.mu.Lock()
	hurried := d.hurried
	d.mu.Unlock()
	return hurried || d.home.stopping()
}
