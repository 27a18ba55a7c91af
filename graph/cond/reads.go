package cond

import "slices"

// Reads is what the value of a program depends on, directly or through defines.
type Reads struct {
	Slots  uint64        // bit i: Env.Slots[i] is read
	Fields map[int][]int // per Record slot: the fields that are read, ascending
	Whole  uint64        // bit i: the Record in slot i is read as a whole
}

// readSet gathers Reads.
type readSet struct {
	slots, wholes uint64
	fields        map[int][]int
}

func (r *readSet) slot(i int) { r.slots |= 1 << i }

func (r *readSet) whole(i int) {
	r.slot(i)
	r.wholes |= 1 << i
}

func (r *readSet) field(slot, i int) {
	r.slot(slot)
	if r.fields == nil {
		r.fields = map[int][]int{}
	}
	if at, found := slices.BinarySearch(r.fields[slot], i); !found {
		r.fields[slot] = slices.Insert(r.fields[slot], at, i)
	}
}

func (r *readSet) define(p *Program) {
	r.slots |= p.reads.Slots
	r.wholes |= p.reads.Whole
	for slot, fields := range p.reads.Fields { // in any order: a sorted set
		for _, i := range fields {
			r.field(slot, i)
		}
	}
}

func (r *readSet) done() Reads {
	return Reads{Slots: r.slots, Fields: r.fields, Whole: r.wholes}
}
