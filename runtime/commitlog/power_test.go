package commitlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// owner is a database with its log on a traced disk, over many power cuts.
type owner struct {
	*base
	*traced
	t     *testing.T
	rnd   *rand.Rand
	l     *Log
	all   []string // every payload that was to be written
	count int
	first saw // before the first operation of a life

	images int
	bad    []string
}

func newOwner(t *testing.T, seed uint64) *owner {
	t.Helper()
	o := &owner{base: newBase(t), t: t, rnd: rand.New(rand.NewPCG(seed, 1)),
		traced: &traced{free: -1, fail: -1}}
	o.Options.disk = o.traced
	o.saw.mark = o.mark
	o.begin(t, filepath.Dir(o.Path), image{names: map[string]int{}, data: map[int][]byte{}})
	return o
}

// marks makes a mark the database's, with everything up to a payload.
func (o *owner) marks(m Mark, applied int) {
	o.mark, o.saw.mark, o.saw.applied = m, m, applied
	o.add(op{kind: '-'})
}

// open recovers, brings what it was given into the database, and starts.
func (o *owner) open() error {
	list, r, err := o.read()
	if err != nil {
		return err
	}
	got := o.saw.applied + len(list)
	o.saw.safe = got // a database forces it to disk
	o.marks(Mark{Applied: r.Epoch, Clean: true}, got)
	if o.l, err = Start(o.Options, o.mark, r); err != nil {
		return err
	}
	o.marks(o.l.Mark(), o.saw.applied)
	return nil
}

// live does a random number of things, until an error ends it.
func (o *owner) live() {
	o.first = o.saw
	if err := o.open(); err != nil {
		if !errors.Is(err, ErrNoRoom) && !strings.Contains(err.Error(), "input/output") {
			o.bad = append(o.bad, err.Error())
		}
		return
	}
	var unreleased uint64
	var then int
	var next Mark
	for range o.rnd.IntN(30) {
		switch o.rnd.IntN(8) {
		case 0:
			epoch, mark, err := o.l.Rotate()
			if err == nil {
				o.saw.safe = o.saw.wrote
				unreleased, then, next = epoch, o.saw.wrote, mark
				o.add(op{kind: '-'})
			} else if !errors.Is(err, ErrBehind) && !errors.Is(err, ErrNoRoom) {
				return
			}
		case 1:
			if unreleased > 0 {
				o.marks(next, then)
				release(o.t, o.l, unreleased)
				unreleased = 0
			}
		default:
			sync := o.rnd.IntN(3) > 0
			var list []string
			for range o.rnd.IntN(5) {
				o.count++
				list = append(list, fmt.Sprintf("%d%s", o.count, strings.Repeat(".", o.rnd.IntN(1500))))
			}
			o.all = append(o.all[:o.saw.wrote], list...)
			o.saw.wrote += len(list)
			err := o.l.Append(bytesOf(list), sync)
			switch {
			case err == nil && sync:
				o.saw.safe = o.saw.wrote
				o.add(op{kind: '-'})
			case errors.Is(err, ErrNoRoom):
				o.saw.wrote -= len(list)
				o.add(op{kind: '-'})
			case err != nil:
				return
			}
		}
	}
}

// cut ends a life by a power cut at a random operation and looks at what it may leave.
// The next life begins with one of these.
func (o *owner) cut(images int) {
	if o.l != nil {
		_ = o.l.Close(false)
		o.l = nil
	}
	n := len(o.ops)
	if o.rnd.IntN(2) == 0 {
		n = o.rnd.IntN(len(o.ops) + 1)
	}
	o.saw = o.first
	if n > 0 {
		o.saw = o.ops[n-1].saw
	}
	o.mark = o.saw.mark
	var left image
	for i := range images {
		left = o.crash(n, i%7, o.rnd)
		left.write(o.t, filepath.Dir(o.Path))
		o.images++
		list, r, err := o.read()
		if err != nil {
			o.bad = append(o.bad, err.Error())
			continue
		}
		got := o.saw.applied + len(list)
		fits := got >= o.saw.safe && got <= o.saw.wrote
		for i, p := range list {
			fits = fits && p == o.all[o.saw.applied+i]
		}
		if !fits {
			o.bad = append(o.bad, fmt.Sprintf("operation %d of %d, image %d: %d payloads came back after %d; %d were safe, %d written (%+v)", n, len(o.ops), i, len(list), o.saw.applied, o.saw.safe, o.saw.wrote, r))
		}
	}
	o.begin(o.t, filepath.Dir(o.Path), left)
	list, _, err := o.read()
	if err != nil {
		return
	}
	// What came back is what was written, from here on.
	o.all = append(o.all[:o.saw.applied], list...)
	o.saw.wrote = len(o.all)
	o.saw.safe = o.saw.applied
}

// lives is how many power cuts a seed goes through.
func (o *owner) lives(n int) {
	for range n {
		if len(o.bad) > 0 {
			return
		}
		o.live()
		o.cut(1 + o.rnd.IntN(12))
	}
}

// After each power cut the log gives what was written, in its order and without a gap, at
// least up to what had been synced; also after power cuts while it is started and while a
// segment is changed, on a disk that is full, and after a write that failed.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	seeds := 20
	if testing.Short() {
		seeds = 5
	}
	images := 0
	for seed := range seeds {
		o := newOwner(t, uint64(seed))
		for i := range 3 {
			switch i {
			case 1:
				o.free = o.rnd.Int64N(60 << 10)
			case 2:
				o.free, o.fail = -1, o.rnd.IntN(60)
			}
			o.lives(8)
		}
		for _, b := range o.bad {
			t.Errorf("seed %d: %s", seed, b)
		}
		images += o.images
	}
	t.Logf("%d states", images)
}

// The same on a disk that does not sync what it says that it has: the test sees it.
func TestPowerCutsOfALiar(t *testing.T) {
	t.Parallel()
	bad := 0
	for seed := range uint64(10) {
		o := newOwner(t, seed)
		o.lies = true
		o.lives(8)
		bad += len(o.bad)
	}
	if bad < 5 {
		t.Errorf("syncs do nothing, and only %d of 10 seeds show it", bad)
	}
}
