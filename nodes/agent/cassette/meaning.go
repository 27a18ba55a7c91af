package cassette

import (
	"cmp"
	"crypto/sha256"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// meaning is what a question is about, whatever its client wrote around it: canonical
// values under api, model, messages, tools, schema and input; what is empty is absent.
type meaning map[string]any

// hash is equal for questions that mean the same.
func (m meaning) hash() [sha256.Size]byte {
	return sha256.Sum256(value.Append(nil, map[string]any(m)))
}

func (m meaning) put(key string, v any) {
	if !empty(v) {
		m[key] = v
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// meaningOf reads a request to a provider. What no API is known for is compared as it is.
func meaningOf(path, request string) meaning {
	last := path[strings.LastIndexByte(path, '/')+1:]
	v, err := value.Decode([]byte(request))
	body, isObject := v.(map[string]any)
	if err != nil || !isObject {
		m := meaning{"api": last}
		m.put("input", request)
		return m
	}
	body = whole(body).(map[string]any)
	m := meaning{}
	m.put("model", body["model"])
	switch {
	case last == "embeddings":
		m["api"] = "embeddings"
		input := body["input"]
		if text, ok := input.(string); ok {
			input = []any{text}
		}
		m.put("input", input)
	case last == "messages":
		m["api"] = "messages"
		r := reader{ids: map[string]string{}}
		messages := r.messages(body["messages"])
		if system := content(body["system"]); !empty(system) {
			messages = append([]any{map[string]any{"role": "system", "content": system}}, messages...)
		}
		m.put("messages", messages)
		m.put("tools", toolsIn(body["tools"], "input_schema"))
		m.put("schema", cmp.Or(at(body, "output_config", "format"), at(body, "output_format")))
	case body["messages"] != nil:
		m["api"] = "chat"
		r := reader{ids: map[string]string{}}
		m.put("messages", r.messages(body["messages"]))
		m.put("tools", toolsIn(body["tools"], "parameters"))
		m.put("schema", schemaIn(body["response_format"]))
	default:
		m["api"] = last
		m.put("input", v)
	}
	return m
}

// at follows names into objects; nil where there is nothing. A schema in a wrapping
// object is unwrapped.
func at(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	if m, ok := v.(map[string]any); ok && m["schema"] != nil {
		return m["schema"]
	}
	return v
}

// schemaIn is the schema of the answer in a request for a chat completion, or the word
// for any JSON.
func schemaIn(format any) any {
	f, _ := format.(map[string]any)
	switch f["type"] {
	case "json_schema":
		return at(f, "json_schema")
	case "json_object":
		return "json_object"
	}
	return nil
}

// toolsIn lists the tools of a request by their names. What is no function is the
// provider's own tool, and stays as it is.
func toolsIn(v any, args string) []any {
	list, _ := v.([]any)
	tools := make([]any, 0, len(list))
	for _, v := range list {
		tool, _ := plain(v).(map[string]any)
		function := tool
		if f, ok := tool["function"].(map[string]any); ok {
			function = f
		}
		if function[args] != nil {
			tool = map[string]any{"name": function["name"], "args": function[args]}
			if d := function["description"]; !empty(d) {
				tool["description"] = d
			}
		}
		tools = append(tools, tool)
	}
	slices.SortStableFunc(tools, func(a, b any) int {
		return cmp.Compare(value.Text(at(a, "name")), value.Text(at(b, "name")))
	})
	return tools
}

// reader reads the messages of one request. Providers make up the ids of calls: they get
// numbers in the order in which they appear.
type reader struct{ ids map[string]string }

func (r *reader) id(v any) string {
	id, ok := v.(string)
	if !ok || id == "" {
		return ""
	}
	if r.ids[id] == "" {
		r.ids[id] = "#" + strconv.Itoa(len(r.ids)+1)
	}
	return r.ids[id]
}

func (r *reader) messages(v any) []any {
	list, _ := v.([]any)
	out := make([]any, 0, len(list))
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			out = append(out, v)
			continue
		}
		out = append(out, r.message(m))
	}
	return out
}

func (r *reader) message(m map[string]any) map[string]any {
	out := meaning{}
	role := m["role"]
	if role == "developer" { // OpenAI's newer word
		role = "system"
	}
	out.put("role", role)
	text, calls := r.blocks(m["content"])
	list, _ := m["tool_calls"].([]any)
	for _, v := range list {
		calls = append(calls, map[string]any{
			"id": r.id(at(v, "id")), "name": at(v, "function", "name"), "args": argsOf(at(v, "function", "arguments")),
		})
	}
	out.put("content", text)
	out.put("calls", calls)
	out.put("call", r.id(m["tool_call_id"]))
	return out
}

// argsOf are the arguments of a call: JSON in a text is what it says.
func argsOf(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	if args, err := value.Decode([]byte(text)); err == nil {
		return whole(args)
	}
	return text
}

// blocks takes the calls out of the content of a message.
func (r *reader) blocks(v any) (text any, calls []any) {
	list, ok := v.([]any)
	if !ok {
		return content(v), nil
	}
	var rest []any
	for _, v := range list {
		block, _ := v.(map[string]any)
		switch block["type"] {
		case "tool_use":
			calls = append(calls, map[string]any{"id": r.id(block["id"]), "name": block["name"], "args": block["input"]})
		case "tool_result":
			result := meaning{"type": "tool_result", "call": r.id(block["tool_use_id"])}
			result.put("content", content(block["content"]))
			if block["is_error"] == true {
				result["is_error"] = true
			}
			rest = append(rest, map[string]any(result))
		default:
			rest = append(rest, v)
		}
	}
	return content(rest), calls
}

// content is a content in its shortest form: a text where it holds nothing but texts.
func content(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	var out []any
	for _, v := range list {
		block, _ := v.(map[string]any)
		text, isText := block["text"].(string)
		if !isText || block["type"] != "text" {
			out = append(out, plain(v))
			continue
		}
		if before, ok := last(out).(string); ok {
			out[len(out)-1] = before + text
			continue
		}
		out = append(out, text)
	}
	if text, ok := last(out).(string); ok && len(out) == 1 {
		return text
	}
	return out
}

func last(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// plain drops what only says how a block may be cached.
func plain(v any) any {
	m, ok := v.(map[string]any)
	if !ok || m["cache_control"] == nil {
		return v
	}
	out := make(map[string]any, len(m))
	for key, v := range m {
		if key != "cache_control" {
			out[key] = v
		}
	}
	return out
}

// whole makes integers of the numbers that have no fraction: 2.0 is 2.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	}
	return v
}
