package mcp

import (
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
)

// FuzzServer: whatever a server sends, tools and outputs are canonical and bounded.
func FuzzServer(f *testing.F) {
	for _, text := range []string{
		`{"content":[{"type":"text","text":"a"}],"structuredContent":{"id":9007199254740993}}`,
		`{"content":[{"type":"image","data":"AAAA","mimeType":"image/png"}],"isError":true}`,
		`{"tools":[{"name":"a","description":"b","inputSchema":{"type":"object"}},null]}`,
		`{"jsonrpc":"2.0","id":1,"result":{}}`, "[]", "[{}]", "\n\n{", `{"tools":[{"name":"a","inputSchema":true}]}`,
	} {
		f.Add([]byte(text))
	}
	log := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, b []byte) {
		var res mcp.CallToolResult
		if json.Unmarshal(b, &res) == nil {
			if out, err := outputOf(&res, 1<<20, "s", "t", nil); err == nil {
				v, err := value.Of(out)
				if err != nil || v.Size() > 1<<20 {
					t.Errorf("output %v: %v", out, err)
				}
			}
		}
		var page mcp.ListToolsResult
		if json.Unmarshal(b, &page) == nil {
			list := &toolList{specs: map[string]agent.ToolSpec{}, hashes: map[string]string{}}
			for _, tool := range page.Tools {
				if tool != nil {
					list.add(tool, maxSchemas, log)
				}
			}
			for name, spec := range list.specs {
				if _, err := value.Of(spec.Args); err != nil || len(spec.Description) > maxDescription || spec.Args == nil || list.hashes[name] == "" {
					t.Errorf("tool %q: %v", name, spec)
				}
			}
		}
		_, in := io.Pipe()
		p := newPipe(in, 1<<10, log)
		go func() {
			for {
				select {
				case <-p.incoming:
				case <-p.over:
					return
				}
			}
		}()
		out := p.stdout()
		_, _ = out.Write(b)
		_ = out.Close()
	})
}
