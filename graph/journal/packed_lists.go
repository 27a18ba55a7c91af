package journal

import (
	"maps"
	"slices"
)

func packNested[T any](c *codec, v *T, walk walk[T]) {
	p := &c.pack
	if p.reads {
		if p.takes(bytesForm) {
			unpackInside(c, p.takeBytes(), v, walk)
		}
		return
	}
	p.number++
	before := len(p.b)
	p.put(bytesForm)
	start := p.open()
	packInside(c, v, walk)
	if len(p.b) == start && !p.written {
		p.b = p.b[:before]
		return
	}
	p.close(start)
}

func packPointer[T any](c *codec, v **T, walk walk[T]) {
	packMaybe(c, "", v, func(c *codec, _ string, v *T) { packNested(c, v, walk) })
}

func packMaybe[T any](c *codec, k string, v **T, plain func(*codec, string, *T)) {
	p := &c.pack
	switch {
	case p.reads && p.isNext():
		*v = new(T)
	case p.reads || *v == nil:
		p.number++
		return
	}
	was := p.written
	p.written = true // also an object without members, or zero
	plain(c, k, *v)
	p.written = was
}

// packInside appends the members of an object.
func packInside[T any](c *codec, v *T, walk walk[T]) {
	out := c.pack.enter(nil)
	walk(v, c)
	c.pack.leave(out)
}

// unpackInside reads an object.
func unpackInside[T any](c *codec, body []byte, v *T, walk walk[T]) {
	out := c.pack.enter(body)
	walk(v, c)
	c.pack.leave(out)
}

// unpackEach walks over the parts of a list, each with its length. It calls begin with
// their number first.
func (p *packed) unpackEach(begin func(n int), part func(body []byte)) {
	if !p.takes(bytesForm) {
		return
	}
	out := p.enter(p.takeBytes())
	all, n := p.rest, 0
	for len(p.rest) > 0 {
		p.takeBytes()
		n++
	}
	if p.err == nil && n > 0 {
		begin(n)
		for p.rest = all; len(p.rest) > 0 && p.err == nil; {
			part(p.takeBytes())
		}
	}
	p.leave(out)
}

func packList[T any](c *codec, all *[]T, walk walk[T]) {
	p := &c.pack
	if p.reads {
		p.unpackEach(func(n int) { *all = make([]T, 0, n) }, func(body []byte) {
			*all = append(*all, *new(T))
			unpackInside(c, body, &(*all)[len(*all)-1], walk)
		})
		return
	}
	p.number++
	if len(*all) == 0 {
		return
	}
	p.put(bytesForm)
	whole := p.open()
	for i := range *all {
		start := p.open()
		packInside(c, &(*all)[i], walk)
		p.close(start)
	}
	p.close(whole)
}

// packByName is a list of names, each with the length and the members of its object
// behind it.
func packByName[T any](c *codec, all *map[string]T, walk walk[T]) {
	p := &c.pack
	if p.reads {
		p.unpackEach(func(n int) { *all = make(map[string]T, n) }, func(body []byte) {
			out := p.enter(body)
			name := string(p.takeBytes())
			v := new(T)
			walk(v, c)
			p.leave(out)
			(*all)[name] = *v
		})
		return
	}
	p.number++
	if len(*all) == 0 {
		return
	}
	p.put(bytesForm)
	whole := p.open()
	for _, name := range slices.Sorted(maps.Keys(*all)) {
		start := p.open()
		p.b = appendPackedText(p.b, name)
		v := (*all)[name]
		packInside(c, &v, walk)
		p.close(start)
	}
	p.close(whole)
}

func (p *packed) texts(all *[]string) {
	if p.reads {
		p.unpackEach(func(n int) { *all = make([]string, 0, n) }, func(body []byte) {
			*all = append(*all, string(body))
		})
		return
	}
	p.number++
	if len(*all) == 0 {
		return
	}
	p.put(bytesForm)
	whole := p.open()
	for _, s := range *all {
		p.b = appendPackedText(p.b, s)
	}
	p.close(whole)
}
