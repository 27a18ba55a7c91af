package explore

import (
	"slices"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// shrinkCycles bounds the work of making one run smaller.
const shrinkCycles = 12_000

// shrinking makes a run smaller as long as it shows its fault: fewer cycles, fewer inputs,
// smaller values.
type shrinking struct {
	replayer
	want    fault
	best    run
	message string
}

func (x *Explorer) shrink(s *shown) {
	k := &shrinking{replayer: replayer{x: x, left: shrinkCycles}, want: s.fault, best: s.run, message: s.message}
	if s.kind == Endless { // its nodes give all that they can, one after the other: so a mended graph ends
		k.varied = true
		if k.try(run{params: s.run.params, steps: make([]step, s.run.cycles())}) {
			s.run, s.message = k.best, k.message
		}
		return
	}
	if !k.try(s.run) {
		return
	}
	k.fewerReplies()
	for range 4 {
		before := k.weight()
		k.fewerSteps()
		k.simplerReplies()
		k.smallerValues()
		if k.weight() == before || k.left <= 0 {
			break
		}
	}
	s.run, s.message = k.best, k.message
}

// try keeps a run if it still shows the fault.
func (k *shrinking) try(r run) bool {
	if k.left <= 0 {
		return false
	}
	needed, message, ok := k.shows(&r, k.want)
	if ok {
		k.best, k.message = needed, message
	}
	return ok
}

func (k *shrinking) weight() weight {
	w := weight{cycles: k.best.cycles(), steps: len(k.best.steps)}
	for i := range k.best.taken {
		t := &k.best.taken[i]
		if t.failure != nil || t.takes > 0 {
			w.replies++
		}
		w.size += value.Size(t.output)
	}
	for i := range k.best.steps {
		w.size += value.Size(k.best.steps[i].value)
	}
	return w
}

// fewerReplies gives nodes their simplest output all the time: all of them, or one by one.
func (k *shrinking) fewerReplies() {
	if k.try(run{params: k.best.params, crashes: k.best.crashes, steps: k.best.steps}) {
		return
	}
	for node := range k.x.s.nodes {
		if !slices.ContainsFunc(k.best.taken, func(t taken) bool { return t.node == node }) {
			continue
		}
		k.try(run{params: k.best.params, crashes: k.best.crashes, steps: k.best.steps,
			taken: slices.DeleteFunc(slices.Clone(k.best.taken), func(t taken) bool { return t.node == node })})
	}
	if len(k.best.params) > 0 {
		for _, name := range k.x.s.g.ParamNames() {
			params := map[string]any{}
			for n, v := range k.best.params { // in any order: a copy
				if n != name {
					params[n] = v
				}
			}
			if len(params) < len(k.best.params) {
				k.try(run{params: params, crashes: k.best.crashes, steps: k.best.steps, taken: k.best.taken})
			}
		}
	}
}

// fewerSteps leaves steps out: half of them, a quarter, one.
func (k *shrinking) fewerSteps() {
	for n := max(1, len(k.best.steps)/2); ; n /= 2 {
		for at := len(k.best.steps) - n; at >= 0 && k.left > 0; at -= n {
			if at+n <= len(k.best.steps) && n < len(k.best.steps) { // a test without steps runs to its end
				k.try(k.without(at, n))
			}
		}
		if n == 1 {
			return
		}
	}
}

// without is the best run without some steps, and without the replies that were given in
// them.
func (k *shrinking) without(at, n int) run {
	r := run{params: k.best.params, crashes: k.best.crashes, steps: slices.Delete(slices.Clone(k.best.steps), at, at+n)}
	for _, t := range k.best.taken {
		if t.step < at || t.step >= at+n {
			r.taken = append(r.taken, t)
		}
	}
	return r
}

// simplerReplies makes replies those of a node that succeeds at once.
func (k *shrinking) simplerReplies() {
	for i := 0; i < len(k.best.taken) && k.left > 0; i++ {
		t := k.best.taken[i]
		simplest := reply{output: k.x.s.nodes[t.node].simplest}
		if t.failure == nil && t.takes == 0 && value.Size(t.output) <= value.Size(simplest.output) {
			continue
		}
		if !k.try(k.replying(i, simplest)) && t.takes > 0 {
			t.takes = 0
			k.try(k.replying(i, t.reply))
		}
	}
}

func (k *shrinking) replying(i int, r reply) run {
	out := run{params: k.best.params, crashes: k.best.crashes, steps: k.best.steps, taken: slices.Clone(k.best.taken)}
	out.taken[i].reply = r
	return out
}

// smallerValues makes outputs, payloads and answers smaller.
func (k *shrinking) smallerValues() {
	for i := 0; i < len(k.best.taken); i++ {
		n := &k.x.s.nodes[k.best.taken[i].node]
		k.smaller(n.typ, func() (any, bool) {
			return k.best.taken[min(i, len(k.best.taken)-1)].output, i < len(k.best.taken)
		}, func(v any) run {
			r := k.best.taken[i].reply
			r.output = v
			return k.replying(i, r)
		})
	}
	for i := 0; i < len(k.best.steps); i++ {
		k.smaller(k.x.s.typeOf(&k.best.steps[i]), func() (any, bool) {
			return k.best.steps[min(i, len(k.best.steps)-1)].value, i < len(k.best.steps)
		}, func(v any) run {
			r := run{params: k.best.params, crashes: k.best.crashes, steps: slices.Clone(k.best.steps), taken: k.best.taken}
			r.steps[i].value = v
			return r
		})
	}
}

// typeOf is the type of the value of a step; nil for none.
func (s *survey) typeOf(p *step) *schema.Type {
	switch p.kind {
	case stepSend:
		if i, ok := s.g.EventByName(p.name); ok {
			return s.g.Events[i].Type
		}
	case stepAnswer:
		if i := s.index(p.name); i >= 0 {
			return s.g.Nodes[i].Output
		}
	}
	return nil
}

// mostSteps is how often one value is made smaller in a row.
const mostSteps = 60

// smaller tries smaller values in place of one, until none does.
func (k *shrinking) smaller(t *schema.Type, now func() (any, bool), with func(any) run) {
	for n, progress := 0, t != nil; progress && k.left > 0 && n < mostSteps; n++ {
		progress = false
		v, there := now()
		if !there {
			return
		}
		for _, c := range smallerThan(v, 0) {
			if fit, err := t.Check("", c); err != nil || !value.Equal(fit, c) {
				continue
			}
			if progress = k.try(with(c)); progress || k.left <= 0 {
				break
			}
		}
	}
}

// smallerThan lists values that are a little smaller than one, the smallest first.
func smallerThan(v any, depth int) (out []any) {
	if depth > 6 {
		return nil
	}
	switch v := v.(type) {
	case bool:
		if v {
			return []any{false}
		}
	case int64:
		for _, n := range []int64{0, 1, v / 2, v - v/4, v - v/16, v - v/64, v - v/1024} {
			if abs(n) < abs(v) {
				out = append(out, n)
			}
		}
	case float64:
		for _, n := range []float64{0, 1, float64(int64(v))} {
			if n != v && abs(n) <= abs(v) {
				out = append(out, n)
			}
		}
	case string:
		if v != "" {
			out = append(out, "")
		}
		if len(v) > 1 {
			out = append(out, "a")
		}
	case []any:
		for i := range v {
			out = append(out, slices.Delete(slices.Clone(v), i, i+1))
		}
		for i := range v {
			for _, c := range smallerThan(v[i], depth+1) {
				list := slices.Clone(v)
				list[i] = c
				out = append(out, list)
			}
		}
	case map[string]any:
		return smallerObjects(v, depth)
	}
	return out
}

func smallerObjects(v map[string]any, depth int) (out []any) {
	names := make([]string, 0, len(v))
	for name := range v { // in any order: they are sorted
		names = append(names, name)
	}
	slices.Sort(names)
	but := func(name string) map[string]any {
		o := make(map[string]any, len(v))
		for n, x := range v { // in any order: a copy
			if n != name {
				o[n] = x
			}
		}
		return o
	}
	for _, name := range names {
		out = append(out, but(name))
	}
	for _, name := range names {
		for _, c := range smallerThan(v[name], depth+1) {
			o := but(name)
			o[name] = c
			out = append(out, o)
		}
	}
	return out
}

func abs[T int64 | float64](n T) T {
	if n < 0 {
		return -n
	}
	return n
}
