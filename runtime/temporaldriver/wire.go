package temporaldriver

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// What a workflow records has the wire format of protocol buffers: numbered fields. A
// reader skips those that it does not know, so that it can read histories of other versions.
// Fields are never given another meaning.

// writer appends fields. Zero values are left out.
type writer struct{ b []byte }

func (w *writer) uint(field protowire.Number, n uint64) {
	if n != 0 {
		w.b = protowire.AppendVarint(protowire.AppendTag(w.b, field, protowire.VarintType), n)
	}
}

func (w *writer) bool(field protowire.Number, v bool) {
	if v {
		w.uint(field, 1)
	}
}

// time writes a moment with its nanoseconds; the zero time is left out.
func (w *writer) time(field protowire.Number, t time.Time) {
	if !t.IsZero() {
		w.uint(field, protowire.EncodeZigZag(t.UnixNano()))
	}
}

func (w *writer) text(field protowire.Number, s string) {
	if s != "" {
		w.b = protowire.AppendString(protowire.AppendTag(w.b, field, protowire.BytesType), s)
	}
}

// bytes writes a field also when it is empty: elements of lists stay.
func (w *writer) bytes(field protowire.Number, b []byte) {
	w.b = protowire.AppendBytes(protowire.AppendTag(w.b, field, protowire.BytesType), b)
}

// within writes a message as a field.
func (w *writer) within(field protowire.Number, fn func(*writer)) {
	var inner writer
	fn(&inner)
	w.bytes(field, inner.b)
}

// field is one field that was read.
type field struct {
	number protowire.Number
	n      uint64
	bytes  []byte
}

func (f *field) time() time.Time { return time.Unix(0, protowire.DecodeZigZag(f.n)).UTC() }

// eachField calls fn for the fields of a message, in their order.
func eachField(b []byte, fn func(f field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}
