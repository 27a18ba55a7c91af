package cli

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/runtime/api"
)

// mcpPath is where clients find the server.
const mcpPath = "/mcp"

// maxQuiet is how long a session of a client that asks for nothing is kept.
const maxQuiet = time.Hour

// serve answers clients over HTTP until ctx ends. Only this machine reaches the address: what
// a tool does, it does as the user of this process.
func (d *desk) serve(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usagef("--listen: %q is no address of this machine alone, as 127.0.0.1:7879", address)
	}
	l, err := api.Listen(address, nil, false)
	if err != nil {
		return usagef("--listen: %v", err)
	}
	token, err := d.token()
	if err != nil {
		_ = l.Close()
		return err
	}
	d.app.serverLog().Info("MCP", "url", "http://"+l.Addr().String()+mcpPath, "token", api.TokenPath(d.app.db))
	if err := api.Serve(ctx, l, d.web(api.Door{Token: token, Tokens: api.OpenTokens(d.app.db)})); err != nil {
		return err
	}
	return d.app.ended(ctx)
}

// token is that of the store, which need not be there yet.
func (d *desk) token() (string, error) {
	if err := os.MkdirAll(filepath.Dir(d.app.db), 0o700); err != nil {
		return "", err
	}
	return api.Token(d.app.db)
}

// web is the server for clients that show the token of an admin: the tools read files, and
// may start a graph that comes with the request.
func (d *desk) web(door api.Door) http.Handler {
	s := d.server()
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{SessionTimeout: maxQuiet})
	mux := http.NewServeMux()
	mux.Handle(mcpPath, h)
	return door.Guard(api.RoleAdmin, mux)
}
