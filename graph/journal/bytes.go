package journal

import (
	"encoding/json"
	"errors"
	"fmt"
)

// AppendRecord appends a record as one JSON object without a line end: its
// public form, which `trace` prints, or with whole its journal form, which stores
// keep. The same record always gives the same bytes.
func AppendRecord(b []byte, r Record, whole bool) []byte {
	c := codec{b: append(b, '{'), whole: whole}
	r.members(&c)
	return append(c.b, '}')
}

// ParseRecord reads a record in either form. What a form does not have is left
// zero; empty lists come back as nil, and times in UTC.
func ParseRecord(b []byte) (Record, error) {
	var r Record
	c, err := reader(b)
	if err == nil {
		r.members(&c)
		err = c.err
	}
	if err != nil {
		return Record{}, fmt.Errorf("journal: not a record: %w", err)
	}
	return r, nil
}

func (r *Record) members(c *codec) {
	kind := ""
	if !c.reading() {
		kind = r.Body.Type()
	}
	c.uint("seq", &r.Seq)
	c.time("time", &r.Time)
	c.text("type", &kind)
	c.text("stack", &r.Stack)
	c.uint("cycle", &r.Cycle)
	if c.reading() {
		if r.Body = fresh(kind); r.Body == nil {
			c.fail("type", fmt.Errorf("%q is not known", kind))
			return
		}
	}
	r.Body.members(c)
}

func reader(b []byte) (codec, error) {
	if !json.Valid(b) {
		return codec{}, errors.New("not valid JSON")
	}
	m, err := split(b)
	return codec{in: &m, whole: true}, err
}

func object[T any](v *T, walk walk[T]) []byte {
	c := codec{b: make([]byte, 0, 384), whole: true}
	inside(&c, nil, v, walk)
	return c.b
}

func parseObject[T any](b []byte, what string, v *T, walk walk[T]) error {
	c, err := reader(b)
	if err == nil {
		walk(v, &c)
		err = c.err
	}
	if err != nil {
		return fmt.Errorf("journal: not %s: %w", what, err)
	}
	return nil
}

// MarshalJSON keeps the exact numbers of what a node waits with.
func (at Cursor) MarshalJSON() ([]byte, error) {
	return object(&at, (*Cursor).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in this version or an earlier one.
func (at *Cursor) UnmarshalJSON(b []byte) error {
	*at = Cursor{}
	return parseObject(b, "a cursor", at, (*Cursor).members)
}

// MarshalJSON keeps the exact numbers of params.
func (id Identity) MarshalJSON() ([]byte, error) {
	return object(&id, (*Identity).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in this version or an earlier one.
func (id *Identity) UnmarshalJSON(b []byte) error {
	*id = Identity{}
	return parseObject(b, "an identity", id, (*Identity).members)
}

// MarshalJSON writes the members of a cursor's `counts`.
func (n Counts) MarshalJSON() ([]byte, error) {
	return object(&n, (*Counts).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Counts) UnmarshalJSON(b []byte) error {
	*n = Counts{}
	return parseObject(b, "counts", n, (*Counts).members)
}

// MarshalJSON writes an element of a cursor's `parked`.
func (p Parked) MarshalJSON() ([]byte, error) {
	return object(&p, (*Parked).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Parked) UnmarshalJSON(b []byte) error {
	*p = Parked{}
	return parseObject(b, "a parked task", p, (*Parked).members)
}

// MarshalJSON writes an element of a cursor's `waiting` or `asking`.
func (w Waiting) MarshalJSON() ([]byte, error) {
	return object(&w, (*Waiting).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in this version or an earlier one.
func (w *Waiting) UnmarshalJSON(b []byte) error {
	*w = Waiting{}
	return parseObject(b, "a question", w, (*Waiting).members)
}

// MarshalJSON writes limits as a record has them.
func (l Limits) MarshalJSON() ([]byte, error) {
	return object(&l, (*Limits).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Limits) UnmarshalJSON(b []byte) error {
	*l = Limits{}
	return parseObject(b, "limits", l, (*Limits).members)
}

// MarshalJSON is a snapshot as one object, with its records in the journal form.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	return object(&s, (*Snapshot).members), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in this version or an earlier one.
func (s *Snapshot) UnmarshalJSON(b []byte) error {
	*s = Snapshot{}
	return parseObject(b, "a snapshot", s, (*Snapshot).members)
}
