package graph

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

// carriedSlots are the names of the slots that are carried. The expressions of a `with`, of
// tools and of `where` read no others but those that only the work knows, and secrets.
var carriedSlots = [NumSlots]string{
	SlotState: "state", SlotParams: "params", SlotNodes: "nodes", SlotStack: "stack", SlotCycle: "cycle", SlotNow: "now",
	SlotError: "error", SlotItem: "item", SlotIndex: "index",
}

// reading is what the expressions of a task read, all at the same moment. In the slots of
// records are fields.
type reading struct{ slots [NumSlots]any }

// take adds what one expression reads.
func (r *reading) take(slots []any) error {
	for i, v := range slots {
		if v == nil {
			continue
		}
		if i >= NumSlots || carriedSlots[i] == "" {
			return fmt.Errorf("slot %d cannot be carried", i)
		}
		read, record := v.(fields)
		if !record {
			if err := takeOne(&r.slots[i], v); err != nil {
				return err
			}
			continue
		}
		if r.slots[i] == nil {
			r.slots[i] = make(fields, len(read))
		}
		all, ok := r.slots[i].(fields)
		if !ok || len(all) != len(read) {
			return errTwoMoments
		}
		for k, x := range read {
			if err := takeOne(&all[k], x); err != nil {
				return err
			}
		}
	}
	return nil
}

var errTwoMoments = errors.New("what its expressions read is not of one moment")

func takeOne(at *any, v any) error {
	switch {
	case *at == nil:
		*at = v
	case v != nil && !sameInput(*at, v):
		return errTwoMoments
	}
	return nil
}

// sameInput compares what two expressions read. It is mostly the same in memory.
func sameInput(a, b any) bool {
	if a, ok := a.(time.Time); ok {
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	return value.Same(a, b) || value.Equal(a, b)
}

// takeBound takes what the expressions of a Bound read, which Bind made of these calls and
// this condition.
func (r *reading) takeBound(g *Graph, b Bound, calls []ToolName, where *cond.Program) error {
	tools, servers := b.Tools, b.Servers
	for _, c := range calls {
		switch c.Of {
		case OwnTool:
			t := &g.Tools[c.Index]
			if len(tools) == 0 || tools[0].Tool != t {
				return errForeign
			}
			if err := r.takeTool(g, &tools[0]); err != nil {
				return err
			}
			tools = tools[1:]
		case ServersTool:
			a := g.Servers[c.Index].Tools[c.Tool].Approve
			if a == nil {
				continue
			}
			if len(servers) == 0 || servers[0].word == nil || servers[0].word.program != a.When {
				return errForeign
			}
			if err := r.takeCondition(servers[0].word); err != nil {
				return err
			}
			servers = servers[1:]
		}
	}
	if len(tools) > 0 || len(servers) > 0 || b.Where.of() != where {
		return errForeign
	}
	return r.takeCondition(b.Where)
}

func (r *reading) takeTool(g *Graph, b *BoundTool) error {
	if err := errors.Join(r.take(b.slots), r.takeCondition(b.word), r.takeCondition(b.when)); err != nil {
		return err
	}
	return r.takeBound(g, b.Own, b.Calls, b.Where)
}

func (r *reading) takeCondition(c *BoundCondition) error {
	if c == nil {
		return nil
	}
	return r.take(c.slots)
}

// of is the program of a condition; nil for nil.
func (b *BoundCondition) of() *cond.Program {
	if b == nil {
		return nil
	}
	return b.program
}

// carryReads makes canonical values of what expressions read, by the names of the slots.
// Of records it has the fields that are read and not null, by their names.
func (g *Graph) carryReads(r *reading) (map[string]any, error) {
	reads := map[string]any{}
	for i, v := range r.slots {
		if v == nil {
			continue
		}
		var err error
		switch names := g.fieldNames(i); {
		case names != nil:
			v, err = carryFields(names, v)
		case hasMoments(i):
			v, err = carryMoments(v)
		}
		if err != nil {
			return nil, err
		}
		reads[carriedSlots[i]] = v
	}
	return reads, nil
}

func carryFields(names []string, v any) (any, error) {
	read, ok := v.(fields)
	if !ok || len(read) != len(names) {
		return nil, errForeign
	}
	out := map[string]any{}
	for k, v := range read {
		if v != nil {
			out[names[k]] = v
		}
	}
	return out, nil
}

// fieldNames are the names of the fields of a slot that has a record, and nil for other
// slots.
func (g *Graph) fieldNames(slot int) []string {
	switch slot {
	case SlotState:
		return g.KeyNames()
	case SlotNodes:
		return g.NodeIDs()
	}
	return nil
}

// carriedReads is an environment that has what carryReads wrote.
func (g *Graph) carriedReads(v any) (*cond.Env, error) {
	env := &cond.Env{Slots: make([]any, NumSlots)}
	reads, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, errForeign
	}
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		v, slot := reads[name], slices.Index(carriedSlots[:], name)
		if slot < 0 || name == "" {
			return nil, errForeign
		}
		var err error
		switch names := g.fieldNames(slot); {
		case names != nil:
			v, err = carriedFields(names, v)
		case hasMoments(slot):
			v, err = carriedMoments(v)
		}
		if err != nil {
			return nil, err
		}
		env.Slots[slot] = v
	}
	return env, nil
}

func carriedFields(names []string, v any) (any, error) {
	in, ok := v.(map[string]any)
	if !ok {
		return nil, errForeign
	}
	out, found := make(fields, len(names)), 0
	for k, name := range names {
		if v, ok := in[name]; ok {
			out[k] = v
			found++
		}
	}
	if found != len(in) {
		return nil, errForeign
	}
	return out, nil
}

// hasMoments reports that there may be a time.Time in the values of a slot. These have no
// lists, so one stands for a moment where they are carried.
func hasMoments(slot int) bool { return slot == SlotStack || slot == SlotCycle || slot == SlotNow }

// carryMoments makes [seconds, nanoseconds] of each moment, since 1970.
func carryMoments(v any) (any, error) {
	switch v := v.(type) {
	case time.Time:
		if v.Location() != time.UTC {
			return nil, fmt.Errorf("a moment in %s cannot be carried, only one in UTC", v.Location())
		}
		return []any{v.Unix(), int64(v.Nanosecond())}, nil
	case []any:
		return nil, errors.New("there is a list where moments are")
	}
	return eachEntry(v, carryMoments)
}

func carriedMoments(v any) (any, error) {
	if v, ok := v.([]any); ok {
		if len(v) != 2 {
			return nil, errForeign
		}
		s, isInt := v[0].(int64)
		ns, alsoInt := v[1].(int64)
		if !isInt || !alsoInt || ns < 0 || ns >= int64(time.Second) {
			return nil, errForeign
		}
		return time.Unix(s, ns).UTC(), nil
	}
	return eachEntry(v, carriedMoments)
}

// eachEntry returns an object with what fn makes of its values, and anything else as it is.
func eachEntry(v any, fn func(any) (any, error)) (any, error) {
	in, ok := v.(map[string]any)
	if !ok {
		return v, nil
	}
	out := make(map[string]any, len(in))
	for _, k := range slices.Sorted(maps.Keys(in)) {
		x, err := fn(in[k])
		if err != nil {
			return nil, err
		}
		out[k] = x
	}
	return out, nil
}
