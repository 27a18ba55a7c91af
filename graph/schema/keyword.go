package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// shape is what the value of a keyword must look like.
type shape uint8

const (
	anything shape = iota
	text
	boolean
	aList
	number
	positive // a number above 0
	count    // an integer, 0 or more
	pattern  // a regular expression
	words    // a list of strings
	wordsMap // a mapping of lists of strings
	oneSchema
	schemaList // with at least one member
	schemaMap
	typeWords   // of `type`
	dialect     // of `$schema`
	unsupported // known to JSON Schema, but not here
)

// keyword says how one keyword of JSON Schema is read. The JSON Schema library
// checks the rules. check.go checks the others, or they say nothing about values.
type keyword struct {
	shape shape
	rule  bool
}

var keywords = map[string]keyword{
	"type": {shape: typeWords}, "enum": {shape: aList}, "const": {},
	"properties": {shape: schemaMap}, "patternProperties": {shape: schemaMap}, "additionalProperties": {shape: oneSchema},
	"required": {shape: words}, "propertyNames": {shape: oneSchema}, "dependentSchemas": {shape: schemaMap},
	"items": {shape: oneSchema}, "prefixItems": {shape: schemaList}, "contains": {shape: oneSchema},
	"minContains": {shape: count}, "maxContains": {shape: count},
	"allOf": {shape: schemaList}, "anyOf": {shape: schemaList}, "oneOf": {shape: schemaList}, "not": {shape: oneSchema},
	"if": {shape: oneSchema}, "then": {shape: oneSchema}, "else": {shape: oneSchema},
	"$ref": {shape: text}, "$defs": {shape: schemaMap},

	"minimum": {number, true}, "maximum": {number, true}, "exclusiveMinimum": {number, true}, "exclusiveMaximum": {number, true},
	"multipleOf": {positive, true}, "minLength": {count, true}, "maxLength": {count, true}, "pattern": {pattern, true},
	"minItems": {count, true}, "maxItems": {count, true}, "uniqueItems": {boolean, true},
	"minProperties": {count, true}, "maxProperties": {count, true}, "dependentRequired": {wordsMap, true},

	"title": {shape: text}, "description": {shape: text}, "$comment": {shape: text}, "default": {}, "examples": {shape: aList},
	"deprecated": {shape: boolean}, "readOnly": {shape: boolean}, "writeOnly": {shape: boolean}, "format": {text, true},
	"contentEncoding": {shape: text}, "contentMediaType": {shape: text}, "contentSchema": {shape: oneSchema},
	"$schema": {shape: dialect}, "$id": {shape: text},

	"$anchor": {shape: unsupported}, "$dynamicRef": {shape: unsupported}, "$dynamicAnchor": {shape: unsupported},
	"$vocabulary": {shape: unsupported}, "unevaluatedItems": {shape: unsupported}, "unevaluatedProperties": {shape: unsupported},
}

// Keywords returns all known keywords, sorted, also those that are not supported.
func Keywords() []string { return slices.Sorted(maps.Keys(keywords)) }

// draft2020 is the only dialect of JSON Schema that is read: in another one the
// same keywords can mean something else.
const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// rule is one keyword about a value as a whole.
type rule struct {
	keyword string
	text    string // its value, for the message
	schema  *jsonschema.Resolved
	format  *format // of `format`, which the library does not check: text and schema are empty then
}

// known reports a keyword that is unknown, unsupported, or has the wrong shape, and
// then returns false.
func (c *compiler) known(f tree.Field) bool {
	k, ok := keywords[f.Key.Value]
	at := f.Key.Sub(0, len(f.Key.Value))
	if !ok {
		help := diag.Suggest(f.Key.Value, Keywords())
		if f.Key.Value == "nullable" {
			help = `for a type that may be null write "T?"`
		}
		c.problems.Add(diag.UnknownField, at, help, "unknown keyword %q of a type", f.Key.Value)
		return false
	}
	if k.shape == unsupported {
		c.problems.Add(diag.WrongType, at, "", "keyword %q of JSON Schema is not supported here", f.Key.Value)
		return false
	}
	if want := k.shape.mismatch(f.Value); want != "" {
		c.wrong(f, want)
		return false
	}
	return true
}

func (c *compiler) wrong(f tree.Field, want string) {
	c.problems.Add(diag.WrongType, f.Value.Span, "", "%q must be %s, not %s", f.Key.Value, want, quoted(f.Value))
}

// mismatch says what n should be, "" if it is right. Schemas inside n are checked
// when they are compiled.
func (s shape) mismatch(n *tree.Node) string {
	switch s {
	case text:
		return unless(n.Kind == tree.String, "a string")
	case dialect:
		return unless(n.Kind == tree.String && strings.TrimSuffix(n.Text.Value, "#") == draft2020, strconv.Quote(draft2020))
	case boolean:
		return unless(n.Kind == tree.Bool, "true or false")
	case aList:
		return unless(n.Kind == tree.List, "a list")
	case schemaList:
		return unless(n.Kind == tree.List && len(n.Items) > 0, "a list with at least one type")
	case schemaMap:
		return unless(n.Kind == tree.Map, "a mapping of names to types")
	case number:
		return unless(n.Kind == tree.Int || finite(n), "a number")
	case positive:
		return unless(n.Kind == tree.Int && n.Int > 0 || finite(n) && n.Float > 0, "a number above 0")
	case count:
		return unless(n.Kind == tree.Int && n.Int >= 0 && n.Int <= math.MaxInt32, "an integer, 0 or more")
	case words:
		return unless(isWords(n), "a list of strings")
	case wordsMap:
		ok := n.Kind == tree.Map
		for _, f := range n.Fields {
			ok = ok && isWords(f.Value)
		}
		return unless(ok, "a mapping of names to lists of strings")
	case pattern:
		if n.Kind != tree.String {
			return "a regular expression"
		}
		if _, err := regexp.Compile(n.Text.Value); err != nil {
			return fmt.Sprintf("a regular expression of Go (RE2; %v)", err)
		}
	}
	return ""
}

func unless(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

func finite(n *tree.Node) bool { return n.Kind == tree.Float && n.Float-n.Float == 0 }

func isWords(n *tree.Node) bool {
	return n.Kind == tree.List && !slices.ContainsFunc(n.Items, func(i *tree.Node) bool { return i.Kind != tree.String })
}

// rule compiles a keyword for the library. It returns nil after a problem that the
// shape did not find.
func (c *compiler) rule(f tree.Field) *rule {
	if f.Key.Value == "format" {
		return c.format(f.Value)
	}
	var s jsonschema.Schema
	v := f.Value.Value()
	err := json.Unmarshal(value.Append(nil, map[string]any{f.Key.Value: v}), &s)
	if err == nil {
		var r *jsonschema.Resolved
		if r, err = s.Resolve(nil); err == nil {
			return &rule{keyword: f.Key.Value, text: value.String(v), schema: r}
		}
	}
	c.problems.Add(diag.WrongType, f.Value.Span, "", "%q: %v", f.Key.Value, err)
	return nil
}
