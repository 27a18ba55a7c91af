package journal

import (
	"errors"
	"fmt"
)

// Where a stack stands, who it is and each of its questions are single objects. In the
// packed form they are packedMark and then their members; a reader also takes the JSON of
// earlier versions.

// Cursor appends where a stack stands.
func (p *Packer) Cursor(b []byte, at *Cursor) []byte { return packObject(p, b, at, (*Cursor).members) }

// Identity appends who a stack is.
func (p *Packer) Identity(b []byte, id *Identity) []byte {
	return packObject(p, b, id, (*Identity).members)
}

// Waiting appends a question.
func (p *Packer) Waiting(b []byte, w *Waiting) []byte {
	return packObject(p, b, w, (*Waiting).members)
}

func packObject[T any](p *Packer, b []byte, v *T, walk walk[T]) []byte {
	p.c = codec{whole: true, packs: true, pack: packed{b: append(b, packedMark)}}
	walk(v, &p.c)
	b = p.c.pack.b
	p.c = codec{}
	return b
}

// ParseCursor reads a cursor in the packed form, or as JSON.
func ParseCursor(b []byte) (Cursor, error) { return unpackObject(b, "a cursor", (*Cursor).members) }

// ParseIdentity reads an identity in the packed form, or as JSON.
func ParseIdentity(b []byte) (Identity, error) {
	return unpackObject(b, "an identity", (*Identity).members)
}

// ParseWaiting reads a question in the packed form, or as JSON.
func ParseWaiting(b []byte) (Waiting, error) {
	return unpackObject(b, "a question", (*Waiting).members)
}

func unpackObject[T any](b []byte, what string, walk walk[T]) (v T, err error) {
	switch {
	case len(b) > 0 && b[0] == '{':
		return v, parseObject(b, what, &v, walk)
	case len(b) == 0 || b[0] != packedMark:
		err = errors.New("a form that this version does not know")
	default:
		c := codec{whole: true, packs: true, pack: packed{rest: b[1:], reads: true}}
		walk(&v, &c)
		err = c.failed()
	}
	if err != nil {
		return *new(T), fmt.Errorf("journal: not %s: %w", what, err)
	}
	return v, nil
}
