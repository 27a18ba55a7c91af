package agenttest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Question is what the server was asked: an entry of its ledger.
type Question struct {
	N      int    // from 1, in the order of arrival
	API    string // openai or anthropic
	Path   string
	Header http.Header
	Body   []byte
	JSON   map[string]any // Body, nil if it is no JSON object
	// Key is what was sent as a bearer token or an x-api-key, "" if nothing.
	Key string

	Model    string
	Stream   bool
	System   string    // the instructions
	Messages []Message // without the instructions
	Tools    []string  // names, as they are on the wire
	Schema   bool      // an answer of a certain form was asked for
	Inputs   []string  // the texts of a question for embeddings

	Unscripted bool // the script had no reply
	Done       bool // the whole reply was written
}

// Message is what a test wants to know of a message of either API.
type Message struct {
	Role  string // user, assistant, or tool for a result
	Text  string
	Calls []Call // of an assistant
	Call  string // of a result: the id of its call
}

// Last is the text of the last message.
func (q Question) Last() string {
	if len(q.Messages) == 0 {
		return ""
	}
	return q.Messages[len(q.Messages)-1].Text
}

// Embeds reports whether it is a question for embeddings. Without a reply in the script
// they are answered by a vector of eight numbers that depend on the words of each text.
func (q Question) Embeds() bool { return strings.HasSuffix(q.Path, "/embeddings") }

func read(r *http.Request, body []byte) Question {
	q := Question{API: "openai", Path: r.URL.Path, Header: r.Header.Clone(), Body: body}
	if strings.HasSuffix(r.URL.Path, "/messages") {
		q.API = "anthropic"
	}
	q.Key = r.Header.Get("X-Api-Key")
	if k, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		q.Key = k
	}
	_ = json.Unmarshal(body, &q.JSON)
	q.Model, _ = q.JSON["model"].(string)
	q.Stream, _ = q.JSON["stream"].(bool)
	_, format := q.JSON["response_format"]
	config, _ := q.JSON["output_config"].(map[string]any)
	_, output := config["format"]
	q.Schema = format || output
	q.System = text(q.JSON["system"])
	for _, t := range objects(q.JSON["tools"]) {
		f, ok := t["function"].(map[string]any)
		if !ok {
			f = t
		}
		name, _ := f["name"].(string)
		q.Tools = append(q.Tools, name)
	}
	for _, m := range objects(q.JSON["messages"]) {
		q.message(m)
	}
	switch in := q.JSON["input"].(type) {
	case string:
		q.Inputs = []string{in}
	case []any:
		for _, x := range in {
			s, _ := x.(string)
			q.Inputs = append(q.Inputs, s)
		}
	}
	return q
}

// message appends one message of either API. Each result of a call becomes a message of
// its own.
func (q *Question) message(m map[string]any) {
	role, _ := m["role"].(string)
	if role == "system" || role == "developer" {
		q.System += text(m["content"])
		return
	}
	out := Message{Role: role}
	out.Call, _ = m["tool_call_id"].(string)
	for _, c := range objects(m["tool_calls"]) {
		f, _ := c["function"].(map[string]any)
		call := Call{}
		call.ID, _ = c["id"].(string)
		call.Name, _ = f["name"].(string)
		call.Text, _ = f["arguments"].(string)
		_ = json.Unmarshal([]byte(call.Text), &call.Args)
		out.Calls = append(out.Calls, call)
	}
	results := false
	if s, ok := m["content"].(string); ok {
		out.Text = s
	}
	for _, b := range objects(m["content"]) {
		switch b["type"] {
		case "tool_use":
			call := Call{Args: b["input"]}
			call.ID, _ = b["id"].(string)
			call.Name, _ = b["name"].(string)
			out.Calls = append(out.Calls, call)
		case "tool_result":
			results = true
			id, _ := b["tool_use_id"].(string)
			q.Messages = append(q.Messages, Message{Role: "tool", Text: text(b["content"]), Call: id})
		case "text":
			s, _ := b["text"].(string)
			out.Text += s
		}
	}
	if !results || out.Text != "" {
		q.Messages = append(q.Messages, out)
	}
}

// text is a content as one text: a string, or the texts of its parts.
func text(v any) string {
	s, _ := v.(string)
	for _, p := range objects(v) {
		t, _ := p["text"].(string)
		s += t
	}
	return s
}

func objects(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, x := range list {
		if o, ok := x.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}
