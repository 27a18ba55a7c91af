package schema

import _ "embed"

//go:embed graph.schema.json
var graphSchema []byte

//go:embed tests.schema.json
var testsSchema []byte

// Tests returns the JSON Schema (2020-12) of a test file. The caller owns the copy.
func Tests() []byte { return append([]byte(nil), testsSchema...) }

// Graph returns the JSON Schema (2020-12) of a graph file. The caller owns the copy.
func Graph() []byte { return append([]byte(nil), graphSchema...) }
