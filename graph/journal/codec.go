package journal

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// codec walks over the members of one object, in their order. It either appends them
// as JSON to b, or reads them as JSON from in; or with packs, it does so in the packed
// form. So each type lists its members once, and all directions follow that list.
//
// A method whose name begins with "some" leaves a zero value out of the JSON. The packed
// form has none.
type codec struct {
	b     []byte   // what has been written; used when in is nil
	in    *members // what is read; nil when writing
	whole bool     // the journal form; the public form has fewer members
	err   error    // the first member that could not be read

	packs bool
	pack  packed
}

func (c *codec) reading() bool { return c.in != nil || c.packs && c.pack.reads }

// visits reports that every member is visited, also one that is zero: it may be there to
// be read, or it counts.
func (c *codec) visits() bool { return c.in != nil || c.packs }

// member gives the bytes of a member that is to be read; false when it is
// absent or null.
func (c *codec) member(k string) ([]byte, bool) {
	b := c.in.find(k)
	return b, len(b) > 0 && string(b) != "null"
}

func (c *codec) fail(k string, err error) {
	if c.err == nil && err != nil {
		c.err = fmt.Errorf("%s: %w", k, err)
	}
}

// key writes a member's name, after a comma unless it is the first.
func (c *codec) key(k string) {
	if c.b[len(c.b)-1] != '{' {
		c.b = append(c.b, ',')
	}
	c.b = append(c.b, '"')
	c.b = append(c.b, k...)
	c.b = append(c.b, '"', ':')
}

func (c *codec) text(k string, s *string) {
	if c.packs {
		c.pack.text(s)
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = appendText(c.b, *s)
		return
	}
	if b, ok := c.member(k); ok {
		var err error
		*s, err = readText(b)
		c.fail(k, err)
	}
}

func (c *codec) someText(k string, s *string) {
	if c.visits() || *s != "" {
		c.text(k, s)
	}
}

func (c *codec) texts(k string, all *[]string) {
	if c.packs {
		c.pack.texts(all)
		return
	}
	if c.reading() {
		if b, ok := c.member(k); ok {
			c.fail(k, eachElement(b, func(b []byte) error {
				s, err := readText(b)
				*all = append(*all, s)
				return err
			}))
		}
		return
	}
	c.key(k)
	c.b = append(c.b, '[')
	for i, s := range *all {
		if i > 0 {
			c.b = append(c.b, ',')
		}
		c.b = appendText(c.b, s)
	}
	c.b = append(c.b, ']')
}

func (c *codec) someTexts(k string, all *[]string) {
	if c.visits() || len(*all) > 0 {
		c.texts(k, all)
	}
}

// word is a text that is most often one of words.
func (c *codec) word(k string, s *string) {
	if c.packs {
		c.pack.word(s)
		return
	}
	c.text(k, s)
}

func (c *codec) someWord(k string, s *string) {
	if c.visits() || *s != "" {
		c.word(k, s)
	}
}

// name is the name of a node, a key or an event, which the shape may have.
func (c *codec) name(k string, s *string) {
	if c.packs {
		c.pack.name(s)
		return
	}
	c.text(k, s)
}

func (c *codec) someName(k string, s *string) {
	if c.visits() || *s != "" {
		c.name(k, s)
	}
}

func (c *codec) names(k string, all *[]string) {
	if c.packs {
		c.pack.names(all)
		return
	}
	c.texts(k, all)
}

// hash is the hash of a definition.
func (c *codec) hash(k string, s *string) {
	if c.packs {
		c.pack.hash(s)
		return
	}
	c.text(k, s)
}

func (c *codec) someHash(k string, s *string) {
	if c.visits() || *s != "" {
		c.hash(k, s)
	}
}

func (c *codec) uint(k string, n *uint64) {
	if c.packs {
		c.pack.uint(n)
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = strconv.AppendUint(c.b, *n, 10)
		return
	}
	if b, ok := c.member(k); ok {
		var err error
		*n, err = strconv.ParseUint(string(b), 10, 64)
		c.fail(k, err)
	}
}

func (c *codec) someUint(k string, n *uint64) {
	if c.visits() || *n != 0 {
		c.uint(k, n)
	}
}

// integer is any signed type that is written as a JSON integer.
type integer interface{ ~int | ~int64 }

func number[T integer](c *codec, k string, n *T) {
	if c.packs {
		v := int64(*n)
		c.pack.int(&v)
		if c.pack.reads { // what is packed may be read by others meanwhile
			*n = T(v)
		}
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = strconv.AppendInt(c.b, int64(*n), 10)
		return
	}
	if b, ok := c.member(k); ok {
		v, err := strconv.ParseInt(string(b), 10, 64)
		*n = T(v)
		c.fail(k, err)
	}
}

func someNumber[T integer](c *codec, k string, n *T) {
	if c.visits() || *n != 0 {
		number(c, k, n)
	}
}

func (c *codec) float(k string, f *float64) {
	if c.packs {
		c.pack.float(f)
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = value.Append(c.b, *f)
		return
	}
	if b, ok := c.member(k); ok {
		var err error
		*f, err = strconv.ParseFloat(string(b), 64)
		c.fail(k, err)
	}
}

func (c *codec) someFloat(k string, f *float64) {
	if c.visits() || *f != 0 {
		c.float(k, f)
	}
}

func (c *codec) bool(k string, v *bool) {
	if c.packs {
		c.pack.bool(v)
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = strconv.AppendBool(c.b, *v)
		return
	}
	if b, ok := c.member(k); ok {
		if *v = string(b) == "true"; !*v && string(b) != "false" {
			c.fail(k, fmt.Errorf("%.20s: expected true or false", b))
		}
	}
}

func (c *codec) someBool(k string, v *bool) {
	if c.visits() || *v {
		c.bool(k, v)
	}
}

// ms is a duration in whole milliseconds, rounded down. A member in nanoseconds
// that follows it has the exact value.
func (c *codec) ms(k string, d *time.Duration) {
	if c.packs {
		c.pack.number++ // it is not there
		return
	}
	n := d.Milliseconds()
	number(c, k, &n)
	if c.reading() {
		*d = time.Duration(n) * time.Millisecond
	}
}

func (c *codec) time(k string, t *time.Time) {
	if c.packs {
		c.pack.time(t)
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = append(c.b, '"')
		c.b = t.UTC().AppendFormat(c.b, time.RFC3339Nano)
		c.b = append(c.b, '"')
		return
	}
	if b, ok := c.member(k); ok {
		s, err := readText(b)
		if err == nil {
			*t, err = time.Parse(time.RFC3339Nano, s)
			*t = t.UTC()
		}
		c.fail(k, err)
	}
}

func (c *codec) someTime(k string, t *time.Time) {
	if c.visits() || !t.IsZero() {
		c.time(k, t)
	}
}

// value is any canonical value. Integers stay exact.
func (c *codec) value(k string, v *any) {
	if c.packs {
		c.pack.value(v)
		return
	}
	if !c.reading() {
		c.key(k)
		c.b = value.Append(c.b, *v)
		return
	}
	if b, ok := c.member(k); ok {
		var err error
		*v, err = value.Decode(b)
		c.fail(k, err)
	}
}

func (c *codec) someValue(k string, v *any) {
	if c.visits() || *v != nil {
		c.value(k, v)
	}
}

// object is a value that is always an object: {} for a nil map.
func (c *codec) object(k string, m *map[string]any) {
	if c.packs {
		c.pack.object(m)
		return
	}
	if !c.reading() {
		c.key(k)
		if *m == nil {
			c.b = append(c.b, "{}"...)
		} else {
			c.b = value.Append(c.b, *m)
		}
		return
	}
	var v any
	c.value(k, &v)
	*m, _ = v.(map[string]any)
}

// walk lists the members of a type.
type walk[T any] func(*T, *codec)

// inside walks over v as an object of its own: the one that b holds, or one that
// is appended.
func inside[T any](c *codec, b []byte, v *T, walk walk[T]) {
	if !c.reading() {
		c.b = append(c.b, '{')
		walk(v, c)
		c.b = append(c.b, '}')
		return
	}
	around := c.in
	m, err := split(b)
	if err != nil {
		c.fail("object", err)
		return
	}
	c.in = &m
	walk(v, c)
	c.in = around
}

func nested[T any](c *codec, k string, v *T, walk walk[T]) {
	if c.packs {
		packNested(c, v, walk)
		return
	}
	if !c.reading() {
		c.key(k)
		inside(c, nil, v, walk)
		return
	}
	if b, ok := c.member(k); ok {
		inside(c, b, v, walk)
	}
}

// somePointer is an object that may be absent: a nil pointer.
func somePointer[T any](c *codec, k string, v **T, walk walk[T]) {
	if c.packs {
		packPointer(c, v, walk)
		return
	}
	if !c.reading() {
		if *v != nil {
			nested(c, k, *v, walk)
		}
		return
	}
	if b, ok := c.member(k); ok {
		*v = new(T)
		inside(c, b, *v, walk)
	}
}

// maybe is a plain value that may be absent: a nil pointer.
func maybe[T any](c *codec, k string, v **T, plain func(*codec, string, *T)) {
	if c.packs {
		packMaybe(c, k, v, plain)
		return
	}
	if c.reading() {
		if _, ok := c.member(k); !ok {
			return
		}
		*v = new(T)
	}
	if *v != nil {
		plain(c, k, *v)
	}
}

// list is an array of objects. An empty one is read as nil.
func list[T any](c *codec, k string, all *[]T, walk walk[T]) {
	if c.packs {
		packList(c, all, walk)
		return
	}
	if c.reading() {
		if b, ok := c.member(k); ok {
			c.fail(k, eachElement(b, func(b []byte) error {
				*all = append(*all, *new(T))
				inside(c, b, &(*all)[len(*all)-1], walk)
				return nil
			}))
		}
		return
	}
	c.key(k)
	c.b = append(c.b, '[')
	for i := range *all {
		if i > 0 {
			c.b = append(c.b, ',')
		}
		inside(c, nil, &(*all)[i], walk)
	}
	c.b = append(c.b, ']')
}

func someList[T any](c *codec, k string, all *[]T, walk walk[T]) {
	if c.visits() || len(*all) > 0 {
		list(c, k, all, walk)
	}
}

// someByName is an object of objects, written in the order of their names.
func someByName[T any](c *codec, k string, all *map[string]T, walk walk[T]) {
	if c.packs {
		packByName(c, all, walk)
		return
	}
	if c.reading() {
		if b, ok := c.member(k); ok {
			m, err := split(b)
			c.fail(k, err)
			*all = make(map[string]T, len(m.list))
			for _, one := range m.list {
				v := new(T)
				inside(c, one.value, v, walk)
				(*all)[string(one.name)] = *v
			}
		}
		return
	}
	if len(*all) == 0 {
		return
	}
	c.key(k)
	c.b = append(c.b, '{')
	for _, name := range slices.Sorted(maps.Keys(*all)) {
		if c.b[len(c.b)-1] != '{' {
			c.b = append(c.b, ',')
		}
		c.b = append(appendText(c.b, name), ':')
		v := (*all)[name]
		inside(c, nil, &v, walk)
	}
	c.b = append(c.b, '}')
}

// appendText writes a JSON string. Most texts are names, which need no escapes.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return value.Append(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
