package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// parameter is what a query may have.
type parameter struct {
	schema object
	doc    string
}

var (
	textual = object{"type": "string"}
	flagged = object{"type": "boolean", "default": false}
	counted = object{"type": "integer", "minimum": 1}
	named   = object{"type": "string", "pattern": idPattern}
	hashed  = object{"type": "string", "pattern": hashPattern}
)

// parameters describe the names of all queries, and in braces those of ids in paths. A name
// with a path holds for that route.
var parameters = map[string]parameter{
	"after":    {textual, "The id after which the page begins: `next` of the page before."},
	"a":        {textual, "The first moment: CYCLE or CYCLE.WAVE."},
	"b":        {textual, "The second moment: CYCLE or CYCLE.WAVE."},
	"at":       {textual, "A moment: CYCLE or CYCLE.WAVE. Without it, now."},
	"bulk":     {object{"type": "boolean", "default": true}, "With journal: also outputs and payloads."},
	"children": {flagged, "Also the stacks that do the work of nodes."},
	"cycle":    {counted, "A cycle that is kept. Without it, the open one or the last one."},
	"explain":  {flagged, "Take the conditions of all edges apart."},
	"cycles":   {textual, "The cycles A..B, A.., ..B or A. Without it, all that are kept."},
	"expr":     {textual, "An expression of the language."},
	"find":     {textual, "Only stacks that have this text in their id, or in the first 100 bytes of their reason."},
	"follow":   {flagged, "Continue with what is committed later."},
	"from":     {object{"type": "integer", "minimum": 0}, "The seq of the first record."},
	"full":     {flagged, "With the cursor."},
	"graph":    {textual, "Only of this graph."},
	"group":    {words(runtime.Groups()...), "Only of this group."},
	"journal":  {flagged, "With the members that only the store keeps."},
	"last":     {counted, "Only so many cycles, counted from the end."},
	"limit":    {object{"type": "integer", "minimum": 1, "maximum": MaxPage, "default": DefaultPage}, "How much the page has at most."},
	"node":     {textual, "A node, an element NODE[KEY] or a place NODE/INNER. Without it, all nodes."},
	"records":  {object{"type": "boolean", "default": true}, "With the records."},
	"skip":     {counted, "So many are left out at the front."},
	"state":    {object{"type": "boolean", "default": true}, "With the state and the records."},
	"status":   {words(journal.Running, journal.Paused, journal.Completed, journal.Failed, journal.Cancelled), "Only with this status."},
	"to":       {object{"type": "integer", "minimum": 0}, "The seq of the last record."},
	"types":    {textual, "Only records of these types, with commas between them."},

	"{stack}": {named, "The id of a stack."},
	"{name}":  {named, "The name of a graph."},
	"{hash}":  {hashed, "The SHA-256 of a definition, 64 hex digits."},
	"{pool}":  {named, "The name of a pool of the graph."},
	"{hook}":  {named, "The name of a webhook of the graph."},

	"after /v1/approvals":             {textual, "What follows this: `next` of the page before."},
	"from /v1/records":                {object{"type": "string", "enum": []string{"now"}}, "`now` leaves out the past."},
	"from /v1/stacks/{stack}/replay":  {counted, "The first cycle that is compared. Without it, all that are kept."},
	"{name} /v1/tokens/{name}/revoke": {named, "The name of a token."},
}

// needed are the parameters that their routes cannot do without.
var needed = []string{"a", "b", "expr"}

// OpenAPI is the description of the API, as GET /openapi.json answers it: OpenAPI 3.1, made
// from the table of routes. Version is that of the program.
func OpenAPI(version string) ([]byte, error) { return describe(routes, version) }

func (c *call) openAPI() error {
	doc, err := describe(c.table, c.o.Server.Version)
	if err != nil {
		return errorf(CodeInternal, "cannot write the description: %v", err)
	}
	c.w.Header().Set("Content-Type", jsonType)
	giveTime(c.w)
	_, _ = c.w.Write(append(doc, '\n')) // a client that has gone needs no answer
	return nil
}

func describe(table []route, version string) ([]byte, error) {
	return describeWith(newSchemas(), table, version)
}

func describeWith(s *schemas, table []route, version string) ([]byte, error) {
	paths := object{}
	problem := object{"description": "The request was refused.", "content": content(jsonType, s.of(reflect.TypeFor[errorBody]()))}
	for i := range table {
		r := &table[i]
		at, _ := paths[r.pattern].(object)
		if at == nil {
			at = object{}
			paths[r.pattern] = at
		}
		at[strings.ToLower(r.method)] = operation(r, s)
	}
	return json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{"title": "graphrun", "version": version,
			"description": "The HTTP API of a running engine for graphs of agents.", "license": object{"name": "Apache 2.0", "identifier": "Apache-2.0"}},
		"servers":  []object{{"url": "/"}},
		"security": []object{{"token": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas":         s.named,
			"responses":       object{"Problem": problem},
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
		},
	})
}

func content(kind string, schema object) object {
	return object{kind: object{"schema": schema}}
}

// operation describes a route.
func operation(r *route, s *schemas) object {
	out := object{"operationId": operationID(r), "summary": strings.ReplaceAll(r.doc, "`", "")}
	var takes []object
	for _, part := range strings.Split(r.pattern, "/") {
		if strings.HasPrefix(part, "{") {
			p := parameterOf(r, part)
			takes = append(takes, object{"name": strings.Trim(part, "{}"), "in": "path", "required": true, "description": p.doc, "schema": p.schema})
		}
	}
	for _, name := range r.query {
		p := parameterOf(r, name)
		takes = append(takes, object{"name": name, "in": "query", "required": slices.Contains(needed, name), "description": p.doc, "schema": p.schema})
	}
	if takes != nil {
		out["parameters"] = takes
	}
	switch {
	case r.anyQuery:
		out["requestBody"] = object{"required": true, "content": content("*/*", object{})}
	case r.body != nil:
		out["requestBody"] = object{"required": true, "content": content(jsonType, s.of(r.body))}
	}
	success, status := object{"description": "Done."}, http.StatusOK
	switch {
	case r.kind != "":
		kind, _, _ := strings.Cut(r.kind, ";")
		success["content"] = content(kind, textual)
		if kind == jsonType {
			success["content"] = content(kind, object{"type": "object"})
		}
	case r.answer != nil:
		success["content"] = content(jsonType, s.of(r.answer))
	default:
		success["content"] = object{jsonLines: object{"schema": textual}, eventStream: object{"schema": textual}}
	}
	if r.anyQuery {
		status = http.StatusAccepted
	}
	out["responses"] = object{fmt.Sprint(status): success, "default": object{"$ref": "#/components/responses/Problem"}}
	switch r.access {
	case open:
		out["security"] = []object{}
	case local:
		out["description"] = "Through the control socket only."
	default:
		out["description"] = "Needs a token with the role " + string(r.access.role()) + "."
	}
	return out
}

// parameterOf is what a name stands for in the query or, in braces, in the path of a route.
func parameterOf(r *route, name string) parameter {
	if p, ok := parameters[name+" "+r.pattern]; ok {
		return p
	}
	return parameters[name]
}

// operationID is what clients call a route: getStacksStackHistory.
func operationID(r *route) string {
	id := strings.ToLower(r.method)
	for _, part := range strings.FieldsFunc(strings.TrimPrefix(r.pattern, "/v1"), func(c rune) bool { return strings.ContainsRune("/{}.", c) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}
