package graph

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// toolScope is what the `with` and `approve` of a tool see.
func toolScope() *cond.Scope {
	return cond.NewScope(
		cond.Name{Name: "secrets", Slot: SlotSecrets, Type: schema.ObjectOf(required("KEY", schema.StringType))},
		cond.Name{Name: "state", Slot: SlotState, Record: true, Type: schema.ObjectOf(required("who", schema.StringType), required("most", schema.IntegerType))},
		cond.Name{Name: "args", Slot: SlotArgs, Type: schema.ObjectOf(required("amount", schema.IntegerType))},
	)
}

// TestBoundTool: a tool sees the state as it was when its task began, the arguments of
// each call, and no secret.
func TestBoundTool(t *testing.T) {
	t.Parallel()
	c := &compiler{g: &Graph{Secrets: []string{"KEY"}}}
	scope := toolScope()
	tool := Tool{Name: "refund",
		With: c.template(tree.Of(map[string]any{"who": "${{ state.who }}", "n": "${{ args.amount }}",
			"key": "Bearer ${{ secrets.KEY }}", "all": "${{ secrets.KEY + state.who }}"}), scope),
		Approve: &Approve{When: c.expr(diag.Plain("args.amount > state.most"), scope, cond.Want{Condition: true})},
	}
	if c.diags.HasErrors() {
		t.Fatal(c.diags)
	}
	seen := &state{[]any{"ada", int64(20)}}
	env := &cond.Env{Slots: make([]any, NumSlots)}
	env.Slots[SlotState] = seen
	env.Slots[SlotSecrets] = map[string]any{"KEY": "hush"}
	b := tool.Bind(env)
	seen.values[0], seen.values[1] = "bob", int64(0)
	for amount, word := range map[int64]bool{20: false, 21: true} {
		args := map[string]any{"amount": amount}
		if got, err := b.NeedsWord(args); err != nil || got != word {
			t.Errorf("a call of %d needs a word: %v, %v; want %v", amount, got, err, word)
		}
		with, err := b.Configure(args)
		if err != nil {
			t.Fatal(err)
		}
		filled, err := value.Fill(with, func(string) (string, bool) { return "hush-hush", true })
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"who": "ada", "n": amount, "key": "Bearer hush-hush", "all": "hush-hushada"}
		if diff := cmp.Diff(want, filled); diff != "" {
			t.Errorf("with (-want +got):\n%s", diff)
		}
		if text := value.String(with); len(text) == 0 || strings.Contains(text, "hush") {
			t.Errorf("the bound `with` holds a secret: %s", text)
		}
	}
}

// TestBind binds what a node may call, at any depth.
func TestBind(t *testing.T) {
	t.Parallel()
	c := &compiler{g: &Graph{}}
	scope := toolScope()
	big := &Approve{When: c.expr(diag.Plain("args.amount > 5"), scope, cond.Want{Condition: true})}
	g := &Graph{
		Tools:   []Tool{{Name: "inner", Approve: &Approve{}}, {Name: "outer", Calls: []ToolName{{Of: OwnTool, Index: 0}, {Of: ServersTool, Tool: 1}}}},
		Servers: []Server{{Name: "files", Tools: []ServerTool{{Name: "read"}, {Name: "write", Approve: big}}}},
	}
	n := &Node{Calls: []ToolName{{Of: OwnTool, Index: 1}, {Of: ServersTool, Tool: 0}, {Of: MemorySearch}}}
	b := g.Bind(n, &cond.Env{Slots: make([]any, NumSlots)})
	if len(b.Tools) != 1 || b.Tools[0].Name != "outer" || b.Servers != nil || b.Where != nil {
		t.Fatalf("bound %+v", b)
	}
	own := b.Tools[0].Own
	if len(own.Tools) != 1 || len(own.Servers) != 1 || own.Servers[0].Tool != "write" {
		t.Fatalf("the tool's own: %+v", own)
	}
	for _, tt := range []struct {
		word func(any) (bool, error)
		n    int64
		want bool
	}{{b.Tools[0].NeedsWord, 9, false}, {own.Tools[0].NeedsWord, 0, true}, {own.Servers[0].NeedsWord, 5, false}, {own.Servers[0].NeedsWord, 6, true}} {
		if got, err := tt.word(map[string]any{"amount": tt.n}); err != nil || got != tt.want {
			t.Errorf("%d: %v, %v; want %v", tt.n, got, err, tt.want)
		}
	}
}
