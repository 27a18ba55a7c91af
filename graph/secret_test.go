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

// state is a cond.Record whose fields change, as a machine's do.
type state struct{ values []any }

func (s *state) Field(i int) any { return s.values[i] }
func (s *state) Len() int        { return len(s.values) }

// TestDefer: no form of a template gives a secret away before it is filled in, and
// every form comes to the same value afterwards as when all is known at once.
func TestDefer(t *testing.T) {
	t.Parallel()
	scope := cond.NewScope().With(
		cond.Name{Name: "secrets", Slot: SlotSecrets, Type: schema.ObjectOf(
			schema.Prop{Name: "KEY", Type: schema.StringType, Required: true}, schema.Prop{Name: "USER", Type: schema.StringType, Required: true})},
		cond.Name{Name: "state", Slot: SlotState, Record: true, Type: schema.ObjectOf(
			schema.Prop{Name: "who", Type: schema.StringType, Required: true}, schema.Prop{Name: "n", Type: schema.IntegerType, Required: true})},
		cond.Name{Name: "params", Slot: SlotParams, Type: schema.ObjectOf(schema.Prop{Name: "which", Type: schema.StringType, Required: true})},
	)
	secrets := map[string]any{"KEY": "hush-hush", "USER": "me"}
	lookup := func(name string) (string, bool) { v, ok := secrets[name].(string); return v, ok }
	for name, tt := range map[string]struct {
		with      any
		reference string // "" if it is not compared
	}{
		"none":            {map[string]any{"a": "${{ state.who }}", "b": int64(1)}, `{"a":"ada","b":1}`},
		"whole":           {"${{ secrets.KEY }}", `{"$secret":"KEY"}`},
		"in a text":       {"Bearer ${{ secrets.KEY }} of ${{ state.who }} #${{ state.n }}", `{"$secret":["Bearer ",{"$secret":"KEY"}," of ","ada"," #","3"]}`},
		"two":             {"${{ secrets.USER }}:${{ secrets.KEY }}", `{"$secret":[{"$secret":"USER"},":",{"$secret":"KEY"}]}`},
		"deep":            {map[string]any{"a": []any{"x", map[string]any{"b": "${{ secrets.KEY }}"}}}, `{"a":["x",{"b":{"$secret":"KEY"}}]}`},
		"joined":          {`${{ "Bearer " + secrets.KEY }}`, `{"$secret":{"expr":"\"Bearer \" + secrets.KEY"}}`},
		"with the state":  {`${{ state.who + ":" + secrets.KEY }}`, ""},
		"chosen":          {`${{ secrets.KEY == "" ? "none" : secrets.KEY + state.who }}`, ""},
		"measured":        {`${{ len(secrets.KEY) + state.n }}`, ""},
		"encoded":         {`${{ toBase64(secrets.USER + ":" + secrets.KEY) }}`, ""},
		"a computed name": {`${{ secrets[params.which] }}`, ""},
		"in an object":    {`${{ {"k": secrets.KEY, "n": state.n} }}`, ""},
		"in a list":       {`${{ map([state.who], # + secrets.KEY) }}`, ""},
		"text of a list":  {`x${{ [secrets.KEY, state.n] }}`, ""},
	} {
		c := &compiler{g: &Graph{Secrets: []string{"KEY", "USER"}}}
		tpl := c.template(tree.Of(tt.with), scope)
		if c.diags.HasErrors() {
			t.Fatalf("%s: %v", name, c.diags)
		}
		seen := &state{[]any{"ada", int64(3)}}
		env := &cond.Env{Slots: make([]any, NumSlots)}
		env.Slots[SlotState], env.Slots[SlotParams] = seen, map[string]any{"which": "KEY"}
		got, err := tpl.Defer(env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := value.String(got)
		if strings.Contains(text, "hush") || tt.reference != "" && text != tt.reference {
			t.Errorf("%s: got %s, want %s", name, text, tt.reference)
		}
		env.Slots[SlotSecrets] = secrets
		want, err := tpl.Eval(env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen.values = []any{"bob", int64(9)} // what comes later does not count
		for range 2 {
			if filled, err := value.Fill(got, lookup); err != nil || !cmp.Equal(want, filled) {
				t.Errorf("%s: filled in it is %v (%v), want %v", name, filled, err, want)
			}
		}
		if tt.reference == "" || strings.Contains(tt.reference, "$secret") {
			if _, err := value.Fill(got, nil); err == nil {
				t.Errorf("%s: no error without the secrets", name)
			}
		}
	}
	c := &compiler{g: &Graph{Secrets: []string{"KEY", "USER"}}}
	tpl := c.template(&tree.Node{Kind: tree.String, Text: diag.Plain("${{ fromJSON(secrets.KEY) }}")}, scope)
	ref, _ := tpl.Defer(&cond.Env{Slots: make([]any, NumSlots)})
	if _, err := value.Fill(ref, lookup); err == nil {
		t.Error("an expression that fails has no error")
	}
}
