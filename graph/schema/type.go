package schema

import (
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// Kind is the part of a type that operators care about.
type Kind uint8

const (
	Any  Kind = iota // nothing is known; also unions of different kinds
	Null             // null alone
	Boolean
	Integer
	Number
	String
	List
	Object
	Time     // a moment; in expressions only (`now`); written into a state as RFC 3339 text
	Duration // in expressions only; written into a state as text
)

func (k Kind) String() string {
	return [...]string{"any", "null", "boolean", "integer", "number", "string", "list", "object", "time", "duration"}[k]
}

// Type is one compiled type. Types are immutable and shared; recursive types
// point back at themselves.
type Type struct {
	Name     string // the name in `types`, for messages; "" for an anonymous type
	Kind     Kind
	Nullable bool   // null belongs to it too. Any and Null are nullable; a union of kinds may be Any without it
	Enum     []any  // the only values (null aside); nil when any value of Kind does
	Elem     *Type  // of a List; never nil there
	Props    []Prop // declared properties of an Object, in the order of the file
	Rest     *Type  // of an Object: the type of properties that are not declared; with nil an expression may not name them

	// Lacks is set for a type that is Any because `type` is not written: the kind
	// that its keywords speak of. Any for all others.
	Lacks Kind

	checks *checks // what Check needs beyond the above; nil for types that expressions infer
}

// Prop is a declared property. Reading one that is not Required may give null.
type Prop struct {
	Name     string
	Type     *Type
	Required bool
}

// The types that need no schema.
var (
	AnyType      = &Type{Kind: Any, Nullable: true}
	NullType     = &Type{Kind: Null, Nullable: true}
	BooleanType  = &Type{Kind: Boolean}
	IntegerType  = &Type{Kind: Integer}
	NumberType   = &Type{Kind: Number}
	StringType   = &Type{Kind: String}
	TimeType     = &Type{Kind: Time}
	DurationType = &Type{Kind: Duration}

	objectType = &Type{Kind: Object}
)

// ListOf is a list of elem; nil stands for any.
func ListOf(elem *Type) *Type { return &Type{Kind: List, Elem: orAny(elem)} }

// MapOf is an object with any keys, all of type elem; nil stands for any.
func MapOf(elem *Type) *Type { return &Type{Kind: Object, Rest: orAny(elem)} }

// ObjectOf is an object with declared properties; no others may be named.
func ObjectOf(props ...Prop) *Type { return &Type{Kind: Object, Props: props} }

// EnumOf is the base type kind, cut down to values.
func EnumOf(kind Kind, values ...any) *Type { return &Type{Kind: kind, Enum: values} }

func orAny(t *Type) *Type {
	if t == nil {
		return AnyType
	}
	return t
}

// OrNull is t, or null.
func (t *Type) OrNull() *Type {
	if t.Nullable {
		return t
	}
	c := *t
	c.Nullable = true
	return &c
}

// NonNull is t without null. Any and Null stay as they are: nothing is known
// of the one, and nothing is left of the other.
func (t *Type) NonNull() *Type {
	if !t.Nullable || t.Kind == Any && t.Enum == nil || t.Kind == Null {
		return t
	}
	c := *t
	c.Nullable = false
	return &c
}

// Prop finds a declared property.
func (t *Type) Prop(name string) (Prop, bool) {
	for i := range t.Props {
		if t.Props[i].Name == name {
			return t.Props[i], true
		}
	}
	return Prop{}, false
}

// enumShown is how many words of an enum a type's text lists.
const enumShown = 5

// String is the short spelling, as in `list(Todo)` or `integer?`. An enum
// without a name lists its words, an object without a name is `object`.
func (t *Type) String() string {
	s := t.base()
	if !t.Nullable || t.Kind == Null || s == "any" {
		return s
	}
	if t.Name == "" && len(t.Enum) > 1 {
		s = "(" + s + ")"
	}
	return s + "?"
}

func (t *Type) base() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Enum != nil:
		var words []string
		for i, v := range t.Enum {
			if i == enumShown {
				words = append(words, "…")
				break
			}
			words = append(words, value.String(v))
		}
		return strings.Join(words, "|")
	case t.Kind == List:
		return "list(" + t.Elem.String() + ")"
	case t.Kind == Object && len(t.Props) == 0 && t.Rest != nil:
		return "map(" + t.Rest.String() + ")"
	}
	return t.Kind.String()
}
