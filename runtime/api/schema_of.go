package api

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// object is a JSON object of an OpenAPI document.
type object = map[string]any

// schemas makes JSON Schemas of Go types, as encoding/json writes them, with descriptions.
// Structs get a name and are put beside the others.
type schemas struct {
	named object
	names map[reflect.Type]string
	texts map[string]string // what descriptions returns
	said  map[string]bool   // the names in texts that were used
}

func newSchemas() *schemas {
	return &schemas{object{}, map[reflect.Type]string{}, descriptions(), map[string]bool{}}
}

// inline are types that write themselves, and need no name.
var inline = map[reflect.Type]object{
	reflect.TypeFor[time.Time]():       {"type": "string", "format": "date-time"},
	reflect.TypeFor[json.RawMessage](): {},
	reflect.TypeFor[Value]():           {},
	reflect.TypeFor[inspect.Value]():   {},
	reflect.TypeFor[value.Value]():     {},
	reflect.TypeFor[Values]():          {"type": "object", "additionalProperties": true},
	reflect.TypeFor[machine.Why]():     {"type": "string"},
}

// special are types that write themselves, or are one of some words. They get a name, so that
// a client has a type for them.
var special = map[reflect.Type]object{
	reflect.TypeFor[journal.Snapshot](): {"type": "object", "additionalProperties": true},
	reflect.TypeFor[journal.Cursor]():   {"type": "object", "additionalProperties": true},
	reflect.TypeFor[journal.Limits]():   {"type": "object", "additionalProperties": true},
	reflect.TypeFor[journal.Parked](): {"type": "object", "properties": object{
		"node": object{"type": "string"}, "item": object{"type": "string"}, "cycle": object{"type": "integer"}, "wave": object{"type": "integer"},
		"until": object{"type": "string", "format": "date-time"},
	}, "required": []string{"node", "cycle", "wave", "until"}},
	reflect.TypeFor[journal.By](): {"type": "object", "properties": object{
		"node": object{"type": "string"}, "event": object{"type": "string"}, "cycle": object{"type": "integer"}, "wave": object{"type": "integer"},
		"answer": object{"type": "boolean"}, "as": object{"type": "string"}, "initial": object{"type": "boolean"}, "fork": object{"type": "boolean"},
	}},
	reflect.TypeFor[journal.Status]():    words(journal.Running, journal.Paused, journal.Completed, journal.Failed, journal.Cancelled),
	reflect.TypeFor[runtime.TaskState](): words(runtime.TaskQueued, runtime.TaskRunning, runtime.TaskBackoff, runtime.TaskParked, runtime.TaskWaiting, runtime.TaskOver),
	reflect.TypeFor[Code]():              words(slices.Sorted(maps.Keys(statusOf))...),
	reflect.TypeFor[HeldWhy]():           words(HeldByRate, HeldByProvider, HeldByBackoff),
	reflect.TypeFor[Group]():             words(runtime.Groups()...),
	reflect.TypeFor[Role]():              words(RoleRead, RoleOperate, RoleAdmin),
}

// words is a text that is one of some.
func words[T ~string](all ...T) object {
	return object{"type": "string", "enum": all}
}

// of is the schema of a type.
func (s *schemas) of(t reflect.Type) object {
	if known, ok := inline[t]; ok {
		return known
	}
	if known, ok := special[t]; ok {
		return object{"$ref": "#/components/schemas/" + s.write(t, known)}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return object{"type": "integer", "format": "int64"}
	case reflect.Uint64, reflect.Uint, reflect.Uint32:
		return object{"type": "integer", "format": "int64", "minimum": 0}
	case reflect.Float64:
		return object{"type": "number", "format": "double"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			panic("api: the type " + t.String() + " writes itself: say how in inline or special")
		}
		return object{"$ref": "#/components/schemas/" + s.name(t)}
	}
	panic("api: no schema for the type " + t.String())
}

// name puts a struct beside the others.
func (s *schemas) name(t reflect.Type) string {
	if name, ok := s.names[t]; ok {
		return name
	}
	name := plainName(t)
	if _, taken := s.named[name]; taken {
		room := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
		name = strings.ToUpper(room[:1]) + room[1:] + name
	}
	s.names[t] = name
	s.named[name] = object{} // a type may hold itself
	properties, required := object{}, []string{}
	for _, f := range fieldsIn(t) {
		member := s.of(f.of)
		if f.null {
			member = orNull(member)
		}
		// An embedded struct describes its members itself, where the struct around it does not.
		properties[f.name] = s.describe(member, name+"."+f.name, plainName(f.in)+"."+f.name, f.name)
		if !f.absent {
			required = append(required, f.name)
		}
	}
	out := s.describe(object{"type": "object", "properties": properties}, name)
	if len(required) > 0 {
		out["required"] = required
	}
	s.named[name] = out
	return name
}

// plainName is what a type is called, unless another one is called so too.
func plainName(t reflect.Type) string {
	name := strings.TrimSuffix(t.Name(), "Body")
	return strings.ToUpper(name[:1]) + name[1:]
}

// write puts a type that writes itself beside the others.
func (s *schemas) write(t reflect.Type, known object) string {
	name := t.Name()
	out := s.describe(known, name)
	if members, ok := known["properties"].(object); ok {
		properties := object{}
		for member, schema := range members {
			properties[member] = s.describe(schema.(object), name+"."+member, member)
		}
		out["properties"] = properties
	}
	s.named[name] = out
	return name
}

// describe is a schema with the description that the first of some names has.
func (s *schemas) describe(schema object, names ...string) object {
	out := maps.Clone(schema)
	for _, name := range names {
		if text, ok := s.texts[name]; ok {
			s.said[name] = true
			out["description"] = text
			break
		}
	}
	return out
}

// orNull is a schema that permits null too.
func orNull(schema object) object {
	if len(schema) == 0 {
		return schema
	}
	return object{"anyOf": []object{schema, {"type": "null"}}}
}

// memberOf is a member of an object.
type memberOf struct {
	name   string
	of     reflect.Type
	in     reflect.Type // the struct that declares it
	absent bool         // it may be left out
	null   bool         // it may be null
}

// fieldsIn are the members of a struct as encoding/json writes them: those of embedded structs
// are among them, unless the struct itself has one of the name.
func fieldsIn(t reflect.Type) []memberOf {
	var own, embedded []memberOf
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			embedded = append(embedded, fieldsIn(f.Type)...)
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		absent := strings.Contains(options, "omitzero") || strings.Contains(options, "omitempty")
		own = append(own, memberOf{name, f.Type, t, absent, f.Type.Kind() == reflect.Pointer && !absent})
	}
	for _, m := range embedded {
		if !slices.ContainsFunc(own, func(o memberOf) bool { return o.name == m.name }) {
			own = append(own, m)
		}
	}
	return own
}
