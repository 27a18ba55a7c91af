package mcp

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// outputOf is the output of a call.
func outputOf(res *mcp.CallToolResult, most int, server, tool string, mask func(string) string) (any, error) {
	text := textOf(res.Content)
	switch {
	case res.NeedsInput():
		return nil, nodes.Errorf("error", "tool %q of server %q asks for input, which is refused", tool, server)
	case res.IsError:
		if text == "" && res.StructuredContent != nil {
			b, _ := json.Marshal(res.StructuredContent)
			text = string(b)
		}
		if text == "" {
			text = fmt.Sprintf("tool %q of server %q failed and does not say why", tool, server)
		}
		return nil, nodes.Errorf("error", "%s", program.Beginning(text, maxText, mask))
	case res.StructuredContent == nil:
		return within(text, most, server, tool)
	}
	b, err := json.Marshal(res.StructuredContent)
	if err != nil {
		return nil, nodes.Errorf("output", "tool %q of server %q: %v", tool, server, err)
	}
	out, err := value.Decode(b)
	if err != nil {
		return nil, nodes.Errorf("output", "tool %q of server %q: %v", tool, server, err)
	}
	return within(exact(out, text), most, server, tool)
}

func within(out any, most int, server, tool string) (any, error) {
	if !value.Within(out, most) {
		return nil, nodes.Errorf("output", "tool %q of server %q: the output has more than %d bytes", tool, server, most)
	}
	return out, nil
}

// textOf joins the texts of the parts by line ends. Where there is none, a line for each
// part says what it was.
func textOf(parts []mcp.Content) string {
	var texts, others []string
	for _, part := range parts {
		switch part := part.(type) {
		case *mcp.TextContent:
			texts = append(texts, part.Text)
		case *mcp.ResourceLink:
			texts = append(texts, part.URI)
		case *mcp.EmbeddedResource:
			switch r := part.Resource; {
			case r == nil:
			case r.Blob != nil:
				others = append(others, leftOut("resource", r.MIMEType, len(r.Blob)))
			default:
				texts = append(texts, r.Text)
			}
		case *mcp.ImageContent:
			others = append(others, leftOut("image", part.MIMEType, len(part.Data)))
		case *mcp.AudioContent:
			others = append(others, leftOut("audio", part.MIMEType, len(part.Data)))
		}
	}
	if texts == nil {
		texts = others
	}
	return strings.ToValidUTF8(strings.Join(texts, "\n"), "\uFFFD")
}

func leftOut(what, media string, size int) string {
	return fmt.Sprintf("[%s left out: %s, %d bytes]", what, strings.ToValidUTF8(media, "\uFFFD"), size)
}

// exact is a structured content with whole numbers as the server wrote them. The SDK reads
// all numbers as floats, which rounds those beyond 2^53; servers send the same content as
// text besides.
func exact(out any, text string) any {
	if !rounded(out) {
		return out
	}
	if same, err := value.Decode([]byte(text)); err == nil && alike(out, same) {
		return same
	}
	return out
}

// rounded reports whether a number in v may have lost digits.
func rounded(v any) bool {
	const whole = 1 << 53
	switch v := v.(type) {
	case int64:
		return v >= whole || v <= -whole
	case float64:
		return math.Abs(v) >= whole
	case []any:
		for _, e := range v {
			if rounded(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if rounded(e) {
				return true
			}
		}
	}
	return false
}

// alike reports whether a and b are the same but for digits that a float does not hold.
func alike(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !alike(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if x, ok := b[k]; !ok || !alike(a[k], x) {
				return false
			}
		}
		return true
	}
	x, isNumber := float(a)
	y, areNumbers := float(b)
	if isNumber && areNumbers {
		return x == y
	}
	return value.Equal(a, b)
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
