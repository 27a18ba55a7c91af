// Package schema compiles JSON Schemas (2020-12) and their short spellings
// into Types.
//
// The checker of expressions reads from a Type what it knows about a value. Check
// validates a value against a Type and makes it canonical (see graph/value). A Type
// is immutable and safe for concurrent use.
package schema
