package std

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
)

// bodies are the ways to read the body of a response; the first is the default.
var bodies = words(bodyChoices)

// maxResponse is what a response may be when `max_response` is not written.
const maxResponse = 4 << 20

func httpKind(charsets Charsets) nodes.Spec {
	return nodes.Spec{
		Kind: graph.Kind{
			Name: "http",
			Doc: "Sends one HTTP request. The output is {status, headers, body}: headers with lower-case names, the body as its JSON value when its content type is JSON, else as text. " +
				"A body is read in the charset of its content type, UTF-8 by default; bytes that are not in it are kind `output`. " +
				"A status that was not expected is kind `http`, with the beginning of the response in the message; 4xx is not retried, except 408, 425 and 429. The `Retry-After` of 429 and 503 (seconds or a date, at most 1 h) is the least backoff, also above `max_backoff`. A failure has the status in `error.code` and the first 64 KiB of the body in `error.output`. " +
				"Every request that may change something carries the task's idempotency key as `Idempotency-Key`, the same for every attempt. " +
				"Addresses of private networks and of this machine are refused, whatever name leads to them, unless `allow_private` is set or the graph's own text names the address: a value that came from outside cannot send a node there. " +
				"Up to 10 redirects are followed, and each is checked again; headers of the graph are not sent to another host. No proxy is taken from the environment. How long it may take is the node's `timeout`.",
			Fields: []graph.Field{
				{Name: "url", Type: "string", Required: true, Doc: "An http or https address."},
				{Name: "method", Type: "string", Doc: "The method. Default: POST with a body, GET without."},
				{Name: "headers", Type: "map(any)", Text: true, Doc: "Headers; numbers and booleans become text as they are written, null leaves one out."},
				{Name: "query", Type: "map(any)", Text: true, Doc: "Added to the query of the url: a scalar, or a list for a name that comes several times; null leaves one out."},
				{Name: "json", Type: "any", Doc: "A body: this value as JSON."},
				{Name: "body", Type: "string", Doc: "A body: this text as it is."},
				{Name: "form", Type: "map(any)", Text: true, Doc: "A body: these fields as a form, spelled as `query`. At most one of `json`, `body` and `form`."},
				{Name: "expect", Type: "list(integer)", Doc: "The statuses that are a success. Default: 200 to 299."},
				{Name: "parse", Choices: bodyChoices, Type: "string", Literal: true, Doc: "How the body becomes a value: `auto` (by its content type), `json`, `text` or `base64` (any bytes, as base64 text). All but `base64` fail with kind `output` at bytes that are not in the charset. Default: auto."},
				outputField("the body"),
				{Name: "max_response", Type: "integer", Doc: "How many bytes the response may have, up to 64 MiB; one more fails the node with kind `output`. Default: 4194304."},
				{Name: "allow_private", Type: "boolean", Literal: true, Doc: "Whether addresses of private networks and of this machine may be reached. Default: false."},
			},
			Output: httpOutput,
			Check:  checkHTTP,
		},
		Node: httpNode{charsets},
	}
}

func httpOutput(c graph.Config) *schema.Type {
	body := schema.AnyType
	switch parse, _ := fixedText(c.Tree.Get("parse")); parse.Value {
	case "text", "base64":
		body = schema.StringType
	}
	return schema.ObjectOf(
		schema.Prop{Name: "status", Type: schema.IntegerType, Required: true},
		schema.Prop{Name: "headers", Type: schema.MapOf(schema.StringType), Required: true},
		schema.Prop{Name: "body", Type: declared(c, "output", body), Required: true},
	)
}

func checkHTTP(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	checkDeclared("output")(c, report)
	if p, ok := fixedText(c.Tree.Get("parse")); ok && !slices.Contains(bodies, p.Value) {
		report(diag.BadConfig, p.Span, "one of "+strings.Join(bodies, ", "), "\"parse\" cannot be %q", p.Value)
	}
	var given []*tree.Node
	for _, name := range []string{"json", "body", "form"} {
		if n := c.Tree.Get(name); n != nil {
			given = append(given, n)
		}
	}
	if len(given) > 1 {
		report(diag.BadConfig, given[1].Span, "", `http takes only one of "json", "body" and "form"`)
	}
	if u, ok := fixedText(c.Tree.Get("url")); ok {
		if _, err := parseURL(u.Value); err != nil {
			report(diag.BadConfig, u.Span, `url: "https://example.com/path"`, "%v", err)
		}
	}
	if m, ok := fixedText(c.Tree.Get("method")); ok && !validMethod(m.Value) {
		report(diag.BadConfig, m.Span, "one of "+strings.Join(methods, ", "), "no method is called %q", m.Value)
	}
	checkFixedSize(c.Tree.Get("max_response"), "max_response", report)
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func validMethod(m string) bool { return slices.Contains(methods, strings.ToUpper(m)) }
