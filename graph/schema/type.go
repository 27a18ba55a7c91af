package schema

import (
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// Kind is the part of a type that operators care about.
type Kind uint8

const (
	Any  Kind = iota // the kind is not known, or it is a union of several kinds
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
	Nullable bool   // null fits too. Any and Null are nullable; a union of kinds may be Any and not nullable
	Enum     []any  // the only values (null aside); nil when any value of Kind does
	Elem     *Type  // of a List; never nil there
	Props    []Prop // declared properties of an Object, in the order of the file
	Rest     *Type  // of an Object: the type of properties that are not declared; with nil an expression may not name them

	// Lacks is the kind that the keywords describe, for a type that is Any only
	// because it has no `type`. It is Any for all other types.
	Lacks Kind

	src    *source // for JSON; nil for a short spelling, and for types that expressions infer
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

// ListOf returns the type of lists of elem. A nil elem means any.
func ListOf(elem *Type) *Type { return &Type{Kind: List, Elem: orAny(elem)} }

// MapOf returns the type of objects with any keys and values of type elem. A nil
// elem means any.
func MapOf(elem *Type) *Type { return &Type{Kind: Object, Rest: orAny(elem)} }

// ObjectOf returns the type of objects with declared properties. Expressions cannot
// name others.
func ObjectOf(props ...Prop) *Type { return &Type{Kind: Object, Props: props} }

// EnumOf returns the type of the given values, which have the given kind.
func EnumOf(kind Kind, values ...any) *Type { return &Type{Kind: kind, Enum: values} }

func orAny(t *Type) *Type {
	if t == nil {
		return AnyType
	}
	return t
}

// OrNull returns t or null.
func (t *Type) OrNull() *Type {
	if t.Nullable {
		return t
	}
	c := *t
	c.Nullable = true
	return &c
}

// NonNull returns t without null. Any and Null stay as they are.
func (t *Type) NonNull() *Type {
	if !t.Nullable || t.Kind == Any && t.Enum == nil || t.Kind == Null {
		return t
	}
	c := *t
	c.Nullable = false
	return &c
}

// Prop returns a declared property by its name.
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

// String returns the short spelling, as in `list(Todo)` or `integer?`. An enum
// without a name lists its values; an object without a name is `object`.
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
