package runtime

import (
	"errors"

	"github.com/graphrun/graphrun/graph/machine"
)

// offer gives a stack a changed definition to adopt.
func (d *drive) offer(def *definition) {
	if d.over || d.stopping {
		return
	}
	if def.g.Hash == d.g.Hash { // it was changed back
		d.next = nil
		d.refuse(nil)
		_ = d.m.Adopt(d.g, d.now()) // the one it has
		return
	}
	d.next, d.strict = def, false
	if !d.m.Cursor().Open {
		_ = d.adopt() // when it does not fit, the stack continues with the old one
	}
}

// adopt switches to the changed definition, between two cycles. It returns an error
// only for a stack that must not continue without it.
func (d *drive) adopt() error {
	next := d.next
	if next == nil {
		return nil
	}
	d.next = nil
	var refused *AdoptError
	sec, err := secretsOf(d.eng.cfg.Secret, next.g.Completed(d.id.Params), d.g, next.g)
	switch {
	case err != nil && d.strict:
		return err
	case err == nil:
		err = d.m.Adopt(next.g, d.now())
	}
	if errors.Is(err, machine.ErrStillRunning) {
		d.next, d.adopting = next, true
		return nil
	}
	if err != nil {
		refused = &AdoptError{Stack: d.name, Hash: next.g.Hash, Err: err}
		if d.strict {
			return refused
		}
	}
	if known := d.refuse(refused); refused != nil {
		_ = d.m.Adopt(d.g, d.now()) // the one it has: it may have waited for another
		if !known {
			d.log.Warn("continues under its old definition", "error", refused)
		}
		return nil
	}
	d.secrets.Take(sec)
	d.log = d.secrets.Masker().Logger(d.eng.log).With("stack", d.name)
	d.def, d.g, d.pools = next, next.g, d.eng.pools.Of(next.g)
	d.ground = newGround(d.id, d.g, d.secrets, d.log)
	return nil
}

// adoptWhenGone adopts a changed definition once the tasks that it no longer contains
// are gone.
func (d *drive) adoptWhenGone() error {
	if !d.adopting || d.over || d.m.Cursor().Open {
		return nil
	}
	d.adopting = false
	return d.adopt()
}

// refuse notes why the stack did not adopt a changed definition; nil forgets it. It
// returns whether the same definition was refused before.
func (d *drive) refuse(why *AdoptError) (known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known = why != nil && d.refused != nil && d.refused.Hash == why.Hash
	d.refused = why
	return known
}

func (d *drive) hasRefused() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused != nil
}
