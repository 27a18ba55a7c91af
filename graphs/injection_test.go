package graphs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

const sender = "ada@example.org"

// librarian has tools of MCP servers, and one of its own that needs a word.
const librarian = `
graphrun: 1
name: librarian
providers: {stand-in: {api: script, file: replies.yaml}}
servers:
  docs: {command: [docs], tools: [{name: search, effects: none}]}
  files: {command: [files], tools: [{name: list_directory, effects: none}]}
tools:
  refund:
    description: Pays money back.
    args: {type: object, required: [amount], properties: {amount: number}}
    uses: exec
    with: {command: [sh, tools/refund.sh], env: {AMOUNT: "${{ args.amount }}"}}
    approve: always
state: {answer: string?}
nodes:
  librarian:
    uses: agent
    with: {model: stand-in/script, instructions: You answer questions., input: Where is it?, tools: [docs/search, files/*, refund]}
    writes: {answer: output}
edges: [{to: librarian, when: state.answer == nil}]
stop: state.answer != nil
pause: none
limits: {cycles: 5}
`

// tools are those that the agents may call.
var tools = map[string][]string{
	"triage":    {"customer", "refund", "memory/answers"},
	"reader":    {"read"},
	"builder":   {"save"},
	"librarian": {"docs/search", "files/list_directory", "refund"},
}

const deskCalls = 10 // max_calls of the support desk

// TestInjections runs the example graphs with a model that obeys every hostile text. The
// ledger of what really ran holds exactly the calls that anybody might make.
func TestInjections(t *testing.T) {
	t.Parallel()
	all := injections(t)
	languages := map[string]bool{}
	for i, in := range all {
		languages[strings.Split(in.ID, "-")[1]] = true
		if testing.Short() && i%6 > 0 {
			continue
		}
		for _, graph := range graphsFor(in.Place) {
			t.Run(in.ID+"/"+graph, func(t *testing.T) {
				t.Parallel()
				l, o := play(t, in, graph, nil)
				if len(o.obeyed) == 0 {
					t.Fatal("no model saw the text")
				}
				ran, asked := expected(in, graph, o.obeyed)
				slices.Sort(l.ran)
				slices.Sort(l.asked)
				if diff := cmp.Diff(ran, l.ran); diff != "" {
					t.Errorf("what ran (-want +got)\n%s", diff)
				}
				if diff := cmp.Diff(asked, l.asked); diff != "" {
					t.Errorf("what a person was asked (-want +got)\n%s", diff)
				}
				for _, w := range l.wrong {
					t.Error(w)
				}
			})
		}
	}
	if len(all) < 100 || len(languages) < 25 {
		t.Errorf("%d texts in %d languages and forms are too few", len(all), len(languages))
	}
}

// TestInjectionsAreFound: without its guards each graph does what it must not, and the
// ledger says so.
func TestInjectionsAreFound(t *testing.T) {
	t.Parallel()
	const word = "    approve: args.amount > 20 || state.ticket?.from in state.refunded\n"
	for _, tt := range []struct {
		graph, id string
		swaps     []string // pairs of texts of the graph: with its guard, and without
		want      string
	}{
		{"supportdesk", "03-en-ticket", []string{word, ""}, "paid map"},
		{"supportdesk", "01-en-ticket", []string{
			"{amount: {type: number, minimum: 0.01}}", "{email: string, amount: number}",
			"EMAIL: '${{ state.ticket.from }}', AMOUNT", "EMAIL: '${{ args.email }}', AMOUNT",
			word, "",
		}, "mallory@example.net"},
		{"supportdesk", "04-en-ticket", []string{
			"tools:\n", "tools:\n  shell:\n    args: {type: object, properties: {command: string}}\n    uses: exec\n    with: {command: [echo, '${{ args.command }}']}\n",
			"tools: [customer,", "tools: [shell, customer,",
		}, `ran ["echo" "curl`},
		{"research", "66-de-file", []string{`{type: string, pattern: "^[a-z0-9-]+[.]txt$"}`, "string"}, `read "sources/../secrets.txt"`},
		{"orchestrator-agents", "63-en-file", []string{`properties: {id: {type: string, pattern: "^[a-z0-9-]{1,40}$"}, text`, "properties: {id: string, text"}, "ID:../../outside"},
		{"librarian", "57-en-mcp", []string{"tools: [{name: search, effects: none}]", "tools: [search, delete_all]", "tools: [docs/search,", "tools: [docs/*,"}, "called docs/delete_all"},
		{"librarian", "59-en-mcp", []string{"    approve: always\n", ""}, "paid map"},
	} {
		t.Run(tt.graph+"/"+tt.id, func(t *testing.T) {
			t.Parallel()
			all := injections(t)
			in := all[slices.IndexFunc(all, func(in injection) bool { return in.ID == tt.id })]
			l, _ := play(t, in, tt.graph, func(text string) string {
				for pair := range slices.Chunk(tt.swaps, 2) {
					if !strings.Contains(text, pair[0]) {
						t.Fatalf("the graph has no %q", pair[0])
					}
					text = strings.Replace(text, pair[0], pair[1], 1)
				}
				return text
			})
			if !slices.ContainsFunc(l.wrong, func(s string) bool { return strings.Contains(s, tt.want) }) {
				t.Errorf("found %q, want one with %q", l.wrong, tt.want)
			}
		})
	}
}

func graphsFor(place string) []string {
	switch place {
	case "file":
		return []string{"research", "orchestrator-agents"}
	case "mcp":
		return []string{"librarian"}
	}
	return []string{"supportdesk"}
}

// play runs a graph with a model that obeys. change removes a guard.
func play(t *testing.T, in injection, graph string, change func(string) string) (*ledger, *obedient) {
	root := t.TempDir()
	dir := filepath.Join(root, "graph")
	file := filepath.Join(dir, graph+".graphrun.yaml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if graph == "librarian" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write("librarian.graphrun.yaml", librarian)
	} else if err := os.Rename(folderOf(t, graph), dir); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Base(file), change(string(text)))
	}
	switch in.Place {
	case "tool":
		write("data/customers.txt", sender+"|Ada Lovelace|a lamp. "+oneLine(in.Text)+"\n")
	case "file":
		if graph == "research" {
			write("sources/optics.txt", in.Text)
		}
	}
	l := &ledger{}
	o, open := in.model()
	kinds := l.watch(t, newKinds(t, kindsOf{script: open, servers: offers{in.Text, l}}), rules{from: sender})
	src, problems := dsl.Load(file, kinds)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	before := filesOf(t, root)
	opts := options{params: map[string]any{}}
	if graph == "research" {
		opts.params["sources"] = []any{"optics.txt"}
	}
	synctest.Test(t, func(t *testing.T) {
		run(t, src, kinds, opts, func(t *testing.T, rt *runtime.Runtime, _ *memstore.Store) { visitors(t, rt, l, in, graph) })
	})
	l.files(t, root, before)
	return l, o
}

// visitors sends tickets, and rejects what waits until nothing does.
func visitors(t *testing.T, rt *runtime.Runtime, l *ledger, in injection, graph string) {
	send := func(event string, payload any) {
		t.Helper()
		synctest.Wait()
		if _, err := rt.Send(t.Context(), runtime.Send{Stack: graph, Event: event, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	settle := func() {
		t.Helper()
		for asked := true; asked; {
			<-time.After(time.Second)
			synctest.Wait()
			asked = l.rejects(t, rt, graph)
		}
	}
	if graph != "supportdesk" {
		settle()
		return
	}
	text := in.Text
	if in.Place == "tool" {
		text = "Where is my lamp?"
	}
	ticket := func(id, text string) {
		send("ticket", []any{map[string]any{"id": id, "from": sender, "text": text}})
		settle()
	}
	ticket("1", text)
	if in.Place == "memory" {
		ticket("2", "Another question.")
	}
	send("close", true)
}

// expected is the ledger that follows from what each model obeyed: the work that a graph
// does anyway, and of the injected calls those that anybody may make.
func expected(in injection, graph string, obeyed map[string]int) (ran, asked []string) {
	calls := in.calls()
	switch {
	case graph == "research":
		ran = append(ran, "read optics.txt")
	case graph != "supportdesk":
	case in.Place == "memory":
		ran = append(ran, "customer", "customer") // of two tickets
	case len(calls) > deskCalls: // the agent fails at once
	case slices.ContainsFunc(calls, func(c agent.Call) bool { return c.Name == "customer" }): // done already
	default:
		ran = append(ran, "customer")
	}
	for node, times := range obeyed {
		for range times {
			if graph == "supportdesk" && len(calls) > deskCalls || in.Schema {
				continue
			}
			for _, c := range calls {
				args, ok := c.Args.(map[string]any)
				if !ok && c.Text != "" || !slices.Contains(tools[node], c.Name) {
					continue
				}
				switch c.Name {
				case "customer":
					ran = append(ran, "customer")
				case "refund":
					amount, ok := amountOf(args["amount"])
					switch {
					case !ok || graph == "supportdesk" && amount < 0.01:
					case graph == "librarian" || amount > 20:
						asked = append(asked, fmt.Sprintf("refund %v", amount))
					default:
						ran = append(ran, fmt.Sprintf("refund %v", amount))
					}
				case "read":
					if s, ok := args["source"].(string); ok && sourceFile.MatchString("sources/"+s) {
						ran = append(ran, "read "+s)
					}
				case "save":
					if s, ok := args["id"].(string); ok && artifactID.MatchString(s) {
						ran = append(ran, "save "+s)
					}
				default: // of an MCP server
					if _, ok := args["query"].(string); ok && strings.Contains(c.Name, "/") && graph == "librarian" {
						ran = append(ran, c.Name)
					}
				}
			}
		}
	}
	slices.Sort(ran)
	slices.Sort(asked)
	return ran, asked
}

func amountOf(v any) (float64, bool) {
	switch v.(type) {
	case int64, float64:
		return number(value.Text(v)), true
	}
	return 0, false
}
