//go:build unix

//lint:file-ignore SA1019 servers still ask for what the protocol is to lose

package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// serverVariable makes the test binary an MCP server: its value says which.
const serverVariable = "MCP_TEST_SERVER"

func TestMain(m *testing.M) {
	if what := os.Getenv(serverVariable); what != "" {
		os.Exit(serve(what))
	}
	if os.Getenv(clientVariable) != "" {
		os.Exit(client(os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

// runEngine runs a whole engine until it is killed.
var runEngine = func(string) int { return 2 }

// serve is what a server of the tests does; the result is its exit code.
func serve(what string) int {
	name, arg, _ := strings.Cut(what, " ")
	switch name {
	case "silent": // never answers
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	case "exit":
		fmt.Fprintln(os.Stderr, "no licence for", arg)
		return 3
	case "simple": // knows three methods and ignores all others
		simple(strings.ReplaceAll(arg, "<E9>", "\xe9"))
		return 0
	case "flood": // never ends its first message
		b := []byte(strings.Repeat("x", 1<<16))
		for {
			if _, err := os.Stdout.Write(b); err != nil {
				return 1
			}
		}
	case "stubborn", "orphan": // ignores TERM and the end of its input
		signal.Ignore(syscall.SIGTERM)
		note(arg)
		if name == "orphan" {
			select {}
		}
		startChild("orphan " + arg)
		_ = standard().Run(context.Background(), &mcp.StdioTransport{})
		select {}
	case "engine":
		return runEngine(arg)
	case "chatty":
		fmt.Println("listening on standard input")
		fmt.Println(`{"level":"info"}`)
		fmt.Println(`{"jsonrpc":"2.0","method":"notifications/message","params":{}}`)
	case "noisy":
		go func() {
			for i := 0; ; i++ {
				fmt.Fprintln(os.Stderr, i, "secret", os.Getenv("TOKEN"), strings.Repeat("x", 100))
			}
		}()
	case "new": // a run more
		note(arg)
	}
	server := standard()
	switch name {
	case "other":
		server = another(arg)
	case "hostile":
		server = hostile(arg)
	}
	_ = server.Run(context.Background(), &mcp.StdioTransport{})
	return 0
}

// note appends the process id to a file.
func note(file string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(f, os.Getpid())
	f.Close()
}

func startChild(what string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{serverVariable + "=" + what}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// simple answers as a server of a few lines does.
func simple(reply string) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var m struct {
			ID     any
			Method string
		}
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		answers := map[string]string{
			"initialize": `{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"simple","version":"1"}}`,
			"tools/list": `{"tools":[{"name":"say","description":"Says it.","inputSchema":{"type":"object"}}]}`,
			"tools/call": reply,
		}
		if a, ok := answers[m.Method]; ok && m.ID != nil {
			id, _ := json.Marshal(m.ID)
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, a)
		}
	}
}

type anyArgs = map[string]any

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}

// standard is a server with a tool for each of what tools do.
func standard() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "standard", Version: "1"}, nil)
	object := map[string]any{"type": "object"}
	add := func(name string, fn func(context.Context, *mcp.CallToolRequest, anyArgs) (*mcp.CallToolResult, error)) {
		s.AddTool(&mcp.Tool{Name: name, Description: "The tool " + name + ".", InputSchema: object},
			func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				var args anyArgs
				_ = json.Unmarshal(req.Params.Arguments, &args)
				return fn(ctx, req, args)
			})
	}
	add("echo", func(_ context.Context, req *mcp.CallToolRequest, _ anyArgs) (*mcp.CallToolResult, error) {
		return text(string(req.Params.Arguments)), nil
	})
	add("env", func(context.Context, *mcp.CallToolRequest, anyArgs) (*mcp.CallToolResult, error) {
		env := os.Environ()
		slices.Sort(env)
		return text(strings.Join(env, "\n")), nil
	})
	add("where", func(context.Context, *mcp.CallToolRequest, anyArgs) (*mcp.CallToolResult, error) {
		dir, _ := os.Getwd()
		return &mcp.CallToolResult{StructuredContent: map[string]any{
			"dir": dir, "pid": os.Getpid(), "group": syscall.Getpgrp(), "big": int64(9007199254740993),
		}, Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(`{"dir":%q,"pid":%d,"group":%d,"big":9007199254740993}`, dir, os.Getpid(), syscall.Getpgrp())}}}, nil
	})
	add("fail", func(context.Context, *mcp.CallToolRequest, anyArgs) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "no such"}, &mcp.TextContent{Text: "customer"}}}, nil
	})
	add("die", func(_ context.Context, _ *mcp.CallToolRequest, args anyArgs) (*mcp.CallToolResult, error) {
		if file, ok := args["file"].(string); ok {
			note(file)
		}
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(7)
		return nil, nil
	})
	add("hang", func(ctx context.Context, _ *mcp.CallToolRequest, args anyArgs) (*mcp.CallToolResult, error) {
		note(args["file"].(string))
		<-ctx.Done()
		note(args["file"].(string))
		return nil, ctx.Err()
	})
	add("large", func(_ context.Context, _ *mcp.CallToolRequest, args anyArgs) (*mcp.CallToolResult, error) {
		return text(strings.Repeat("x", int(args["bytes"].(float64)))), nil
	})
	add("ask", func(ctx context.Context, req *mcp.CallToolRequest, _ anyArgs) (*mcp.CallToolResult, error) {
		var said []string
		_, err := req.Session.CreateMessage(ctx, &mcp.CreateMessageParams{MaxTokens: 1}) //nolint:staticcheck // servers still ask
		said = append(said, fmt.Sprint(err))
		_, err = req.Session.Elicit(ctx, &mcp.ElicitParams{Message: "?"})
		said = append(said, fmt.Sprint(err))
		_, err = req.Session.ListRoots(ctx, nil) //nolint:staticcheck // servers still ask
		return text(strings.Join(append(said, fmt.Sprint(err)), "\n")), nil
	})
	add("parts", func(_ context.Context, _ *mcp.CallToolRequest, args anyArgs) (*mcp.CallToolResult, error) {
		parts := []mcp.Content{&mcp.ImageContent{Data: []byte("abc"), MIMEType: "image/png"}}
		if args["texts"] == true {
			parts = append(parts, &mcp.TextContent{Text: "one"}, &mcp.ResourceLink{URI: "file:///a", Name: "a"},
				&mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: "file:///b", Text: "two"}})
		}
		return &mcp.CallToolResult{Content: parts}, nil
	})
	add("steps", func(ctx context.Context, req *mcp.CallToolRequest, args anyArgs) (*mcp.CallToolResult, error) {
		if token := req.Params.GetProgressToken(); token != nil {
			_ = req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Message: "half of it", Progress: 1})
		}
		for look := time.NewTicker(5 * time.Millisecond); ; <-look.C {
			if _, err := os.Stat(args["until"].(string)); err == nil {
				return text("done"), nil
			}
		}
	})
	add("grow", func(_ context.Context, _ *mcp.CallToolRequest, args anyArgs) (*mcp.CallToolResult, error) {
		s.AddTool(&mcp.Tool{Name: "echo", Description: fmt.Sprint(args["description"]), InputSchema: object},
			func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				return text("another echo"), nil
			})
		return text("grown"), nil
	})
	return s
}

// another is a server that offers what the argument says: tools as JSON.
func another(tools string) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "another", Version: "1"}, &mcp.ServerOptions{PageSize: 2})
	var all []*mcp.Tool
	if err := json.Unmarshal([]byte(tools), &all); err != nil {
		panic(err)
	}
	for _, t := range all {
		s.AddTool(t, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) { return text("ok"), nil })
	}
	return s
}

// running waits until a file holds n process ids, and returns them.
func running(t *testing.T, file string, n int) []int {
	t.Helper()
	for look := time.NewTicker(5 * time.Millisecond); ; {
		b, _ := os.ReadFile(file)
		var pids []int
		for f := range strings.FieldsSeq(string(b)) {
			var pid int
			fmt.Sscan(f, &pid)
			pids = append(pids, pid)
		}
		if len(pids) >= n {
			return pids
		}
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.Fatalf("%s has %q, want %d process ids", file, b, n)
		}
	}
}
