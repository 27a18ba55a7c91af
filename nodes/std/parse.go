package std

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// parseOutput makes a value of a program's standard output. Only base64 takes
// bytes that are not UTF-8.
func parseOutput(parse string, out []byte) (any, error) {
	if parse == "base64" {
		return base64.StdEncoding.EncodeToString(out), nil
	}
	if err := value.CheckText(out); err != nil {
		return nil, nodes.Errorf("output", "standard output is not text: %v (parse: base64 takes any bytes)", err)
	}
	switch parse {
	case "text":
		return string(out), nil
	case "lines":
		return splitLines(string(out)), nil
	}
	if out = bytes.TrimPrefix(out, byteOrderMark); len(bytes.TrimSpace(out)) == 0 {
		return nil, nil
	}
	v, err := value.Decode(out)
	if err != nil {
		return nil, nodes.Errorf("output", "standard output is not one JSON value: %s", jsonProblem(out, err))
	}
	return v, nil
}

// byteOrderMark is what some programs write before a text in UTF-8.
var byteOrderMark = []byte("\uFEFF")

// splitLines is a list of the lines without their ends; the end of the last
// line begins no new one.
func splitLines(s string) []any {
	lines := []any{}
	for line := range strings.Lines(s) {
		lines = append(lines, strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	return lines
}

// jsonProblem is err with its place in the text, where that can be found out.
func jsonProblem(b []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal(b, new(json.RawMessage)), &syntax) {
		return err.Error()
	}
	// Offset counts the bytes read when the problem was seen.
	before := b[:min(max(int(syntax.Offset)-1, 0), len(b))]
	if syntax.Offset >= int64(len(b)) && strings.Contains(syntax.Error(), "unexpected end") {
		before = b
	}
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return nodes.Errorf("", "line %d, column %d: %v", line, column, syntax).Message
}
