// Package schema compiles JSON Schemas (2020-12) and their short spellings
// into Types: what the checker of conditions knows of a value, and what a
// value is checked and made canonical against.
package schema

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

// Type is one compiled type. Types are immutable and shared; recursive types
// point back at themselves.
type Type struct {
	Name     string // the name in `types`, for messages; "" for an anonymous type
	Kind     Kind
	Nullable bool   // null belongs to it too. Any and Null are nullable
	Enum     []any  // the only values (null aside); nil when any value of Kind does
	Elem     *Type  // of a List; never nil there
	Props    []Prop // declared properties of an Object, in the order of the file
	Rest     *Type  // of an Object: the type of properties that are not declared; nil: an expression may not name them

	checks *checks // what Check needs beyond the above; nil for types that expressions infer
}

// checks is what a compiled schema holds beside the structure: keywords left
// to the JSON Schema library, at the place where they stand.
type checks struct{}

// Prop is a declared property. Reading one that is not Required may give null.
type Prop struct {
	Name     string
	Type     *Type
	Required bool
}
