package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/internal/gotype"
)

// Func makes a kind of a Go function. Graphs that use it are checked against
// the two types when they are loaded: a struct In names the fields of `with`
// (by their JSON names; required unless `omitempty` or `omitzero`, documented
// by a `jsonschema` tag), a map In takes any field, and Out is the type of
// `output`.
//
// Before fn is called, `with` is decoded strictly: a field that In does not
// have, or a value that does not fit, is kind "config". What fn returns is
// written by encoding/json, and is fn's own afterwards; nil slices and maps count as empty, because their
// types are no nullable ones.
//
// fn finds its idempotency key and logger with TaskOf, reports cost with
// Spend, and may return an *Error or Permanent(err). It is called from many
// goroutines at once. Types that have no JSON Schema are reported by Register.
func Func[In, Out any](name string, fn func(context.Context, In) (Out, error)) Spec {
	s := Spec{Kind: graph.Kind{Name: name}}
	if fn == nil {
		s.err = errors.New("no function")
		return s
	}
	in, err := typeOf[In]()
	if err != nil {
		s.err = fmt.Errorf("input: %w", err)
		return s
	}
	out, err := typeOf[Out]()
	if err != nil {
		s.err = fmt.Errorf("output: %w", err)
		return s
	}
	if s.Fields, s.Open, err = fieldsOf(in); err != nil {
		s.err = err
		return s
	}
	s.Output = func(graph.Config) *schema.Type { return out.typ }
	s.Node = function[In, Out]{fn, out.typ, gotype.DecoderOf(reflect.TypeFor[In]()), encoderOf[Out]()}
	return s
}

// function is the Node behind Func.
type function[In, Out any] struct {
	fn    func(context.Context, In) (Out, error)
	out   *schema.Type
	read  *gotype.Decoder // nil if encoding/json has to read In
	write *gotype.Encoder // nil if value.CopyOf has to make the output
}

func (function[In, Out]) lean() {}

// encoderOf is the plan of an output. Those that may be canonical as they are need none.
func encoderOf[Out any]() *gotype.Encoder {
	switch any(*new(Out)).(type) {
	case nil, bool, int, int64, float64, string, []any, map[string]any:
		return nil
	}
	return gotype.EncoderOf(reflect.TypeFor[Out]())
}

// input reads the `with` of a task.
func (f function[In, Out]) input(with any) (*In, error) {
	if in := new(In); with == nil || f.read != nil && f.read.Decode(with, reflect.ValueOf(in).Elem()) {
		return in, nil
	}
	in := new(In)
	return in, Decode(with, in)
}

// output makes what fn returned canonical.
func (f function[In, Out]) output(out *Out) (any, error) {
	if f.write != nil {
		if v, ok := f.write.Encode(reflect.ValueOf(out).Elem()); ok {
			return v, nil
		}
	}
	v, err := value.CopyOf(*out)
	return v.Any(), err
}

func (f function[In, Out]) Run(ctx context.Context, t Task) (Result, error) {
	in, err := f.input(t.With)
	if err != nil {
		return Result{}, &Error{Kind: "config", Permanent: true, Message: err.Error()}
	}
	out, err := f.fn(ctx, *in)
	if err = orNil(err); err != nil {
		return Result{}, err
	}
	v, err := f.output(&out)
	if err != nil {
		return Result{}, Errorf("output", "the output is no JSON value: %v", err)
	}
	return Result{Output: fillEmpty(v, f.out)}, nil
}

// goType is a Go type as graphs see it.
type goType struct {
	typ  *schema.Type
	docs map[string]string // of a struct's fields
}

// typeOf reads a Go type by the rules of encoding/json.
func typeOf[T any]() (goType, error) {
	s, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[[]byte]():          {Type: "string"}, // base64 text
		reflect.TypeFor[json.RawMessage](): {},
		reflect.TypeFor[json.Number]():     {Type: "number"},
	}})
	if err != nil {
		return goType{}, err
	}
	docs := map[string]string{}
	for name, p := range s.Properties {
		docs[name] = p.Description
	}
	return goType{convert(s), docs}, nil
}

// convert keeps what a checker of expressions can use of a schema that was made
// from a Go type. Lists and maps lose their null: see Func.
func convert(s *jsonschema.Schema) *schema.Type {
	kind, nullable := s.Type, false
	for _, k := range s.Types {
		if k == "null" {
			nullable = true
		} else {
			kind = k
		}
	}
	var t *schema.Type
	switch kind {
	case "boolean":
		t = schema.BooleanType
	case "integer":
		t = schema.IntegerType
	case "number":
		t = schema.NumberType
	case "string":
		t = schema.StringType
	case "array":
		return schema.ListOf(convert(s.Items))
	case "object":
		if len(s.Properties) == 0 && s.PropertyOrder == nil && s.AdditionalProperties != nil && s.AdditionalProperties.Not == nil {
			t = schema.MapOf(convert(s.AdditionalProperties))
		} else {
			t = schema.ObjectOf(properties(s)...)
		}
	default:
		return schema.AnyType
	}
	if nullable {
		t = t.OrNull()
	}
	return t
}

func properties(s *jsonschema.Schema) []schema.Prop {
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	var props []schema.Prop
	for _, name := range s.PropertyOrder {
		props = append(props, schema.Prop{Name: name, Type: convert(s.Properties[name]), Required: required[name]})
	}
	return props
}

// fieldsOf is the table of a kind's `with`.
func fieldsOf(in goType) (fields []graph.Field, open bool, err error) {
	t := in.typ
	switch {
	case t.Kind == schema.Any, t.Kind == schema.Object && t.Rest != nil:
		return nil, true, nil
	case t.Kind != schema.Object:
		return nil, false, fmt.Errorf("input: `with` is a mapping, not %s: want a struct or a map", t)
	}
	for _, p := range t.Props {
		fields = append(fields, graph.Field{Name: p.Name, Type: p.Type.String(), Required: p.Required, Doc: in.docs[p.Name]})
	}
	return fields, false, nil
}

// fillEmpty makes empty lists and maps of the nulls that encoding/json writes
// for nil ones. Only nulls are replaced, in place: v was made for this attempt.
func fillEmpty(v any, t *schema.Type) any {
	switch v := v.(type) {
	case nil:
		if t.Kind == schema.List {
			return []any{}
		}
		if t.Kind == schema.Object && t.Rest != nil && !t.Nullable {
			return map[string]any{}
		}
	case []any:
		if t.Kind != schema.List {
			return v
		}
		for i, item := range v {
			if f := fillEmpty(item, t.Elem); item == nil {
				v[i] = f
			}
		}
	case map[string]any:
		for name, field := range v {
			of := t.Rest
			if p, ok := t.Prop(name); ok {
				of = p.Type
			}
			if of == nil {
				continue
			}
			if f := fillEmpty(field, of); field == nil && f != nil {
				v[name] = f
			}
		}
	}
	return v
}
