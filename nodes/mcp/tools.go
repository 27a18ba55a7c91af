package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// Bounds of a list of tools.
const (
	maxTools       = 1000
	maxPages       = 100
	maxName        = 256     // bytes
	maxDescription = 4 << 10 // bytes, with the note that it was cut
	maxSchema      = 64 << 10
	maxSchemas     = 8 << 20 // of all tools together
)

// toolList is what a server offered at one time. It is immutable.
type toolList struct {
	specs  map[string]agent.ToolSpec
	hashes map[string]string // of name, description and schema as they came
}

func (l *toolList) find(name string) (agent.ToolSpec, bool) {
	spec, ok := l.specs[name]
	return spec, ok
}

// readTools asks for the list, page by page.
func readTools(ctx context.Context, sdk *mcp.ClientSession, log *slog.Logger) (*toolList, error) {
	list := &toolList{specs: map[string]agent.ToolSpec{}, hashes: map[string]string{}}
	size := 0
	params := &mcp.ListToolsParams{}
	for range maxPages {
		page, err := sdk.ListTools(ctx, params)
		if err != nil {
			return nil, err
		}
		for _, tool := range page.Tools {
			if len(list.specs) == maxTools {
				log.Warn("a server offers more tools than are read", "read", maxTools)
				return list, nil
			}
			size += list.add(tool, maxSchemas-size, log)
		}
		if page.NextCursor == "" {
			return list, nil
		}
		params = &mcp.ListToolsParams{Cursor: page.NextCursor}
	}
	log.Warn("a server lists its tools on more pages than are read", "read", maxPages)
	return list, nil
}

// add adds a tool and returns the size of the schema that it keeps.
func (l *toolList) add(tool *mcp.Tool, room int, log *slog.Logger) int {
	name := tool.Name
	if _, twice := l.specs[name]; twice || name == "" || len(name) > maxName {
		log.Warn("a server offers a tool whose name is empty, too long or taken; it is left out", "tool", program.Beginning(name, maxName, nil))
		return 0
	}
	schema, err := json.Marshal(tool.InputSchema)
	if err != nil {
		schema = nil
	}
	l.hashes[name] = hashOf(name, tool.Description, string(schema))
	spec := agent.ToolSpec{Name: name, Description: description(tool.Description), Args: map[string]any{"type": "object"}}
	if len(schema) > min(maxSchema, room) {
		log.Warn("the schema of a server's tool is too long and left out", "tool", name, "bytes", len(schema))
		schema = nil
	}
	if v, err := value.Decode(schema); err == nil {
		if fields, ok := v.(map[string]any); ok {
			spec.Args = fields
		}
	}
	l.specs[name] = spec
	return len(schema)
}

// description is what a server says of a tool, at most maxDescription long.
func description(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxDescription {
		return text
	}
	note := " … [cut: " + strconv.Itoa(len(text)) + " bytes in all]"
	return program.Beginning(text, maxDescription-len(note), nil) + note
}

// hashOf is short: it tells one text from another, and no more.
func hashOf(name, description, schema string) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(name)) + " " + strconv.Itoa(len(description)) + " " + name + description + schema))
	return hex.EncodeToString(sum[:8])
}
