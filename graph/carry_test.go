package graph_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

// carryKinds are what the tests of carried tasks need of kinds.
type carryKinds struct{}

func (carryKinds) Names() []string { return []string{"graph", "keep", "set", "talk", "work"} }

func (carryKinds) Kind(name string) (graph.Kind, bool) {
	switch name {
	case "graph":
		return graph.Kind{Name: name, Open: true, Runs: true, NoDefaults: true}, true
	case "keep":
		return graph.Kind{Name: name, Fields: []graph.Field{{Name: "memory", Type: "string", Names: graph.NamesMemory},
			{Name: "where", Type: "string", Literal: true, Condition: true}}}, true
	case "set":
		return graph.Kind{Name: name, Open: true, Inline: true, NoDefaults: true}, true
	case "talk":
		return graph.Kind{Name: name, Talks: true, Fields: []graph.Field{{Name: "model", Type: "any", Names: graph.NamesModel},
			{Name: "input", Type: "any"}, {Name: "tools", Type: "list(string)", Literal: true, Names: graph.NamesTools}}}, true
	case "work":
		return graph.Kind{Name: name, Open: true}, true
	}
	return graph.Kind{}, false
}

func compileCarried(t testing.TB, text string) *graph.Graph {
	t.Helper()
	var def graph.Def
	if err := json.Unmarshal([]byte(text), &def); err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(def, carryKinds{})
	if g == nil {
		t.Fatalf("compile: %v", problems)
	}
	return g
}

// carryDef has a node for each way in which a task can need more than data.
const carryDef = `{"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "secrets": ["KEY", "USER"],
	"params": [{"name": "which", "type": "string"}, {"name": "more", "type": "any", "default": 1.0}],
	"state": [{"name": "data", "type": "any"}, {"name": "n", "type": "integer"}, {"name": "big", "type": "list(string)"}, {"name": "who", "type": "string?"}],
	"define": [{"name": "twice", "expr": "2 * state.n"}],
	"memories": [{"name": "facts", "data": {"type": "object", "required": ["n"], "properties": {"n": "integer"}}}],
	"servers": [{"name": "files", "command": ["serve"], "tools": [{"name": "read"}, {"name": "move", "approve": "args.n > state.n && stack.created_at < now"}, {"name": "drop", "approve": "always"}]}],
	"tools": [
		{"name": "plain", "uses": "work", "with": {"a": 1}},
		{"name": "bare", "uses": "work", "approve": "always"},
		{"name": "pay", "uses": "work", "args": {"type": "object", "required": ["n"], "properties": {"n": "integer"}}, "approve": "args.n > twice",
			"with": {"n": "${{ args.n }}", "key": "${{ secrets.KEY }}", "all": "${{ secrets.KEY + params.which }} ${{ state.data }}", "at": "${{ cycle.started_at }}"},
			"retry": {"attempts": 2, "when": "error.kind == \"http\""}},
		{"name": "search", "uses": "keep", "with": {"memory": "facts", "where": "data.n > state.n && state.who == nil"}},
		{"name": "ask", "uses": "talk", "with": {"model": "ollama/x", "input": "${{ nodes.none.status }}", "tools": ["pay", "search", "files/move"]}}],
	"nodes": [
		{"id": "none", "uses": "work"},
		{"id": "data", "uses": "work", "with": {"v": "${{ state.data }}"}},
		{"id": "whole", "uses": "work", "with": {"k": "${{ secrets.KEY }}"}},
		{"id": "text", "uses": "work", "with": {"v": "${{ state.data }}", "t": "a ${{ secrets.USER }}:${{ secrets.KEY }} of ${{ state.data }}${{ params.more }} #${{ state.n }}"}},
		{"id": "deep", "uses": "work", "with": {"": [["${{ state.data }}", "${{ secrets.KEY }}"], {"a.b/c": {"$secret": "${{ secrets.KEY }}", "0": "${{ state.data }}"}}], "plain": {"$secret": "KEY"}}},
		{"id": "made", "uses": "work", "with": {"l": ["${{ secrets.KEY + (state.who ?? \"\") }}", "${{ secrets[params.which] }}", "${{ len(secrets.KEY) + twice }}",
			"x${{ [secrets.KEY, state.n, now, cycle.due, state.data] }}", "${{ {\"k\": secrets.KEY, \"s\": stack, \"e\": nodes} }}"]}},
		{"id": "each", "uses": "work", "for_each": {"in": "state.big", "as": "one"}, "with": {"k": "${{ toBase64(secrets.KEY + one) }}", "i": "${{ string(index) + secrets.KEY }}"}},
		{"id": "behind", "uses": "work", "with": {"e": "${{ secrets.KEY + (error?.message ?? \"\") }}"}},
		{"id": "agent", "uses": "talk", "with": {"model": "ollama/x", "input": "${{ state.data }}", "tools": ["plain", "bare", "pay", "search", "ask", "files/*", "memory/facts"]}},
		{"id": "find", "uses": "keep", "with": {"memory": "facts", "where": "data.n > state.n"}},
		{"id": "inner", "uses": "graph", "with": {"file": "x.yaml", "params": {"v": "${{ state.data }}"}}, "graph": {"graphrun": 1, "name": "x", "params": [{"name": "v", "type": "any"}], "nodes": [{"id": "a", "uses": "work"}], "limits": {"cycles": 9}}}],
	"edges": [{"to": ["none"]}, {"from": ["none"], "to": ["behind"], "outcome": "always"}]}`

// seen is a cond.Record.
type seen []any

func (s seen) Field(i int) any { return s[i] }
func (s seen) Len() int        { return len(s) }

var carryMoment = time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)

// carryEnv is what a machine shows the expressions of a graph with such a state.
func carryEnv(g *graph.Graph, state map[string]any) *cond.Env {
	env := &cond.Env{Slots: make([]any, graph.NumSlots)}
	keys, nodes := make(seen, len(g.Keys)), make(seen, len(g.Nodes))
	for i := range g.Keys {
		keys[i] = state[g.Keys[i].Name]
	}
	for i := range nodes {
		nodes[i] = map[string]any{"status": "failed", "attempts": int64(i), "reason": nil, "error": map[string]any{"kind": "http", "code": int64(500)}}
	}
	s := env.Slots
	s[graph.SlotState], s[graph.SlotNodes], s[graph.SlotNow] = keys, nodes, carryMoment.Add(time.Hour)
	s[graph.SlotStack] = map[string]any{"id": "s", "graph": g.Name, "created_at": carryMoment}
	s[graph.SlotCycle] = map[string]any{"number": int64(3), "started_at": carryMoment.Add(time.Minute), "due": nil}
	s[graph.SlotParams] = g.Completed(map[string]any{"which": "KEY"})
	s[graph.SlotError] = map[string]any{"node": "none", "kind": "exit", "message": "bad", "code": int64(2), "item": nil, "path": "none", "output": nil}
	s[graph.SlotItem], s[graph.SlotIndex] = "an element", int64(2)
	return env
}

// given is what a machine gives a task of a node.
func given(t testing.TB, g *graph.Graph, node int, env *cond.Env) (with any, b graph.Bound) {
	t.Helper()
	n := &g.Nodes[node]
	if n.With != nil {
		v, err := n.With.Defer(env)
		if err != nil {
			t.Fatalf("node %s: %v", n.ID, err)
		}
		with = v
	}
	return with, g.Bind(n, env)
}

// carried takes a task through its bytes.
func carried(g *graph.Graph, node int, with any, b graph.Bound) (any, graph.Bound, []byte, error) {
	v, err := g.Carry(node, with, b)
	if err != nil {
		return nil, graph.Bound{}, nil, err
	}
	text := value.AppendBinary(nil, v)
	read, err := value.ParseBinary(text)
	if err != nil {
		return nil, graph.Bound{}, nil, err
	}
	with, b, err = g.Carried(node, read)
	return with, b, text, err
}

// checkCarried holds what comes back against what was given: it is the same, and does the
// same.
func checkCarried(t testing.TB, g *graph.Graph, node int, with any, b graph.Bound) {
	t.Helper()
	id := g.Nodes[node].ID
	w, c, text, err := carried(g, node, with, b)
	if err != nil {
		t.Fatalf("node %s: %v", id, err)
	}
	if !reflect.DeepEqual(with, w) || !reflect.DeepEqual(b, c) {
		t.Errorf("node %s: with %s and %+v come back as %s and %+v", id, value.String(with), b, value.String(w), c)
	}
	if d := cmp.Diff(doings(with, b), doings(w, c)); d != "" {
		t.Errorf("node %s (-before +after):\n%s", id, d)
	}
	if strings.Contains(string(text), hush) {
		t.Errorf("node %s: a secret is carried: %q", id, text)
	}
}

const hush = "hush-hush"

func lookUpHush(name string) (string, bool) { return hush + name, true }

// doings are what the work of a task can find out.
func doings(with any, b graph.Bound) []any {
	filled, err := value.Fill(with, lookUpHush)
	return append([]any{filled, textOf(err)}, boundDoings(b)...)
}

func boundDoings(b graph.Bound) (all []any) {
	args := []any{nil, map[string]any{"n": int64(0)}, map[string]any{"n": int64(1000), "kind": "http"}}
	say := func(v any, err error) { all = append(all, v, textOf(err)) }
	for _, a := range args {
		for _, tool := range b.Tools {
			object, _ := a.(map[string]any)
			retries, err := tool.Retries(object)
			say(retries, err)
			word, err := tool.NeedsWord(a)
			say(word, err)
			with, err := tool.Configure(a)
			say(value.String(with), err)
			filled, err := value.Fill(with, lookUpHush)
			say(filled, err)
		}
		for _, tool := range b.Servers {
			word, err := tool.NeedsWord(a)
			say([]any{tool.Server, tool.Tool, word}, err)
		}
		if b.Where != nil {
			holds, err := b.Where.Holds(a)
			say(holds, err)
		}
	}
	for _, tool := range b.Tools {
		all = append(all, tool.Name, boundDoings(tool.Own))
	}
	return all
}

func textOf(err error) any {
	if err == nil {
		return nil
	}
	return err.Error()
}

// hostileData look like references to secrets, or like what is carried.
var hostileData = []any{
	nil, true, int64(1), 1.0, -0.5, "", "${{ secrets.KEY }}", "ü\u2028\x00",
	map[string]any{"$secret": "KEY"}, map[string]any{"$secret": []any{"a", map[string]any{"$secret": "KEY"}}},
	map[string]any{"$secret": map[string]any{"expr": "secrets.KEY"}}, map[string]any{"public": nil, "with": "x", "reads": map[string]any{}},
	[]any{}, []any{[]any{[]any{map[string]any{"$secret": "KEY"}}}, nil}, []any{int64(1), int64(2)},
	map[string]any{"": map[string]any{"$secret": "KEY"}, "a.b/c~0[1]": []any{map[string]any{"$secret": "KEY"}}, "\x00": "KEY", "0": int64(0), "$secret": "KEY", "ключ": []any{2.0, int64(2)}},
	strings.Repeat("long ", 100),
}

// TestCarry: whatever the state holds, a task comes back as it was.
func TestCarry(t *testing.T) {
	t.Parallel()
	g := compileCarried(t, carryDef)
	for _, data := range hostileData {
		for _, who := range []any{nil, "ada"} {
			state := map[string]any{"data": data, "n": int64(7), "big": []any{"a"}, "who": who}
			env := carryEnv(g, state)
			for i := range g.Nodes {
				with, b := given(t, g, i, env)
				checkCarried(t, g, i, with, b)
			}
		}
	}
}

// TestCarryKeepsDataApart: what looks like a reference is data, and the secrets are where
// the template has them, and nowhere else.
func TestCarryKeepsDataApart(t *testing.T) {
	t.Parallel()
	g := compileCarried(t, carryDef)
	for _, data := range hostileData {
		env := carryEnv(g, map[string]any{"data": data, "n": int64(7)})
		for id, want := range map[string]any{
			"data": map[string]any{"v": data},
			"text": map[string]any{"v": data, "t": "a hush-hushUSER:hush-hushKEY of " + value.Text(data) + "1 #7"},
			"deep": map[string]any{"": []any{[]any{data, "hush-hushKEY"}, map[string]any{"a.b/c": map[string]any{"$secret": "hush-hushKEY", "0": data}}},
				"plain": map[string]any{"$secret": "KEY"}},
		} {
			i, _ := g.NodeByID(id)
			with, b := given(t, g, i, env)
			back, _, _, err := carried(g, i, with, b)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			filled, err := value.Fill(back, lookUpHush)
			if d := cmp.Diff(want, filled); err != nil || d != "" {
				t.Errorf("%s with %s: %v (-want +got)\n%s", id, value.String(data), err, d)
			}
		}
	}
}

// TestCarriedMakesNoSecrets: a value that somebody has changed has its secrets where the
// template has them, too.
func TestCarriedMakesNoSecrets(t *testing.T) {
	t.Parallel()
	g := compileCarried(t, carryDef)
	i, _ := g.NodeByID("text")
	for _, data := range hostileData {
		for _, v := range []any{
			map[string]any{"with": data},
			map[string]any{"with": map[string]any{"v": data, "t": data}},
			map[string]any{"public": map[string]any{"v": data, "t": []any{"", "", ""}}},
		} {
			with, _, err := g.Carried(i, v)
			if err != nil {
				t.Fatalf("%s: %v", value.String(v), err)
			}
			if m, ok := with.(map[string]any); ok && v.(map[string]any)["public"] != nil {
				with = m["v"]
			}
			if _, err := value.Fill(with, nil); err != nil {
				t.Errorf("%s holds a secret: %v", value.String(v), err)
			}
		}
	}
}

// TestCarryIsSmall: what nobody reads is not carried.
func TestCarryIsSmall(t *testing.T) {
	t.Parallel()
	g := compileCarried(t, carryDef)
	env := carryEnv(g, map[string]any{"data": "d", "n": int64(7), "big": []any{strings.Repeat("x", 1000)}, "who": "ada"})
	for id, want := range map[string]string{
		"none":   `{}`,
		"data":   `{"with":{"v":"d"}}`,
		"whole":  `{"public":{"k":null}}`,
		"text":   `{"public":{"t":["d","1","7"],"v":"d"}}`,
		"find":   `{"reads":{"state":{"n":7}},"with":{"memory":"facts","where":"data.n > state.n"}}`,
		"each":   `{"public":{"i":null,"k":null},"reads":{"index":2,"item":"an element"}}`,
		"behind": `{"public":{"e":null},"reads":{"error":{"code":2,"item":null,"kind":"exit","message":"bad","node":"none","output":null,"path":"none"}}}`,
		"agent": `{"reads":{"cycle":{"due":null,"number":3,"started_at":[1767323105,678901234]},"nodes":{"none":{"attempts":0,"error":{"code":500,"kind":"http"},"reason":null,"status":"failed"}},` +
			`"now":[1767326645,678901234],"params":{"more":1,"which":"KEY"},"stack":{"created_at":[1767323045,678901234],"graph":"g","id":"s"},"state":{"data":"d","n":7,"who":"ada"}},` +
			`"with":{"input":"d","model":"ollama/x","tools":["plain","bare","pay","search","ask","files/*","memory/facts"]}}`,
	} {
		i, _ := g.NodeByID(id)
		with, b := given(t, g, i, env)
		v, err := g.Carry(i, with, b)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if d := cmp.Diff(want, value.String(v)); d != "" {
			t.Errorf("%s (-want +got)\n%s", id, d)
		}
	}
}

// TestCarryRefuses: what Carry cannot give back exactly is an error.
func TestCarryRefuses(t *testing.T) {
	t.Parallel()
	g, other := compileCarried(t, carryDef), compileCarried(t, carryDef)
	env, later := carryEnv(g, map[string]any{"n": int64(7), "data": "d"}), carryEnv(g, map[string]any{"n": int64(8), "data": "d"})
	local := carryEnv(g, map[string]any{"n": int64(7), "data": "d"})
	local.Slots[graph.SlotNow] = carryMoment.In(time.FixedZone("here", 3600))
	listed := carryEnv(g, map[string]any{"n": int64(7), "data": "d"})
	listed.Slots[graph.SlotStack] = []any{int64(1), int64(2)}
	odd := carryEnv(g, map[string]any{"n": int64(7), "data": carryMoment})
	at := func(id string) int { i, _ := g.NodeByID(id); return i }
	with := func(g *graph.Graph, id string, env *cond.Env) any { with, _ := given(t, g, at(id), env); return with }
	bound := func(g *graph.Graph, id string, env *cond.Env) graph.Bound { return g.Bind(&g.Nodes[at(id)], env) }
	made := func(g *graph.Graph, env *cond.Env) []any { return with(g, "made", env).(map[string]any)["l"].([]any) }
	k := func(v any) any { return map[string]any{"k": v} }
	l := func(v any) any { return map[string]any{"l": v} }
	key := func(name string) *value.Secret { return &value.Secret{Name: name} }
	text := func(g *graph.Graph) any { return with(g, "text", env).(map[string]any)["t"] }
	wide := carryEnv(g, map[string]any{"n": int64(7), "data": "d"})
	wide.Slots[graph.SlotState] = append(wide.Slots[graph.SlotState].(seen), "more")
	none := graph.Bound{}
	for name, tt := range map[string]struct {
		node int
		with any
		b    graph.Bound
		want string
	}{
		"no such node":                    {len(g.Nodes), nil, none, "there is no node"},
		"a negative one":                  {-1, nil, none, "there is no node -1"},
		"a secret without a template":     {at("none"), &value.Secret{Name: "KEY"}, none, "not canonical|canonical values"},
		"a secret of nobody":              {at("data"), map[string]any{"v": &value.Secret{Name: "KEY"}}, none, "canonical values"},
		"another secret":                  {at("whole"), k(&value.Secret{Name: "USER"}), none, "not made by"},
		"an expression for a name":        {at("whole"), k(made(g, env)[0]), none, "not made by"},
		"a text for a name":               {at("whole"), k(&value.Secret{Parts: []any{"a"}}), none, "not made by"},
		"a secret where a list is":        {at("made"), l(&value.Secret{Name: "KEY"}), none, "not made by"},
		"a secret where an object is":     {at("made"), &value.Secret{Name: "KEY"}, none, "not made by"},
		"too few elements":                {at("made"), l(made(g, env)[:4]), none, "not made by"},
		"expressions of another compile":  {at("made"), with(other, "made", env), none, "not made by"},
		"expressions in another order":    {at("made"), l(swapped(made(g, env))), none, "not made by"},
		"another literal":                 {at("text"), map[string]any{"v": nil, "t": &value.Secret{Parts: []any{"b ", "", ":", "", " of ", "", "", " #", ""}}}, none, "not made by"},
		"a text for a secret":             {at("text"), map[string]any{"v": nil, "t": &value.Secret{Parts: []any{"a ", "", ":", "", " of ", "", "", " #", ""}}}, none, "not made by"},
		"a number for a text":             {at("text"), map[string]any{"v": nil, "t": &value.Secret{Parts: []any{"a ", key("USER"), ":", key("KEY"), " of ", int64(1), "", " #", ""}}}, none, "not made by"},
		"another secret in a text":        {at("text"), map[string]any{"v": nil, "t": &value.Secret{Parts: []any{"a ", key("KEY"), ":", key("KEY"), " of ", "", "", " #", ""}}}, none, "not made by"},
		"too few pieces":                  {at("text"), map[string]any{"v": nil, "t": &value.Secret{Parts: []any{"a ", key("USER")}}}, none, "not made by"},
		"an expression for a text":        {at("text"), map[string]any{"v": nil, "t": made(g, env)[0]}, none, "not made by"},
		"data for a secret":               {at("text"), map[string]any{"v": key("KEY"), "t": "a"}, none, "not made by"},
		"a secret that is data":           {at("text"), map[string]any{"v": key("KEY"), "t": text(g)}, none, "canonical values"},
		"another key":                     {at("text"), map[string]any{"v": nil, "u": &value.Secret{Name: "KEY"}}, none, "not made by"},
		"too many keys":                   {at("behind"), map[string]any{"e": with(g, "behind", env).(map[string]any)["e"], "f": &value.Secret{Name: "KEY"}}, none, "not made by"},
		"a moment in the data":            {at("data"), with(g, "data", odd), none, "canonical values"},
		"a moment in what is read":        {at("made"), with(g, "made", odd), none, "canonical values"},
		"a moment elsewhere":              {at("made"), with(g, "made", local), none, "in UTC"},
		"a list where moments are":        {at("made"), with(g, "made", listed), none, "a list"},
		"expressions of two moments":      {at("made"), l(mixed(made(g, env), made(g, later))), none, "one moment"},
		"states of two sizes":             {at("made"), l(mixed(made(g, env), made(g, wide))), none, "one moment"},
		"a state of another size":         {at("find"), nil, bound(g, "find", wide), "not made by"},
		"a tool of two moments":           {at("agent"), nil, graph.Bound{Tools: mixedTools(bound(g, "agent", env), bound(g, "agent", later)), Servers: bound(g, "agent", env).Servers}, "one moment"},
		"servers of two moments":          {at("agent"), nil, graph.Bound{Tools: bound(g, "agent", env).Tools, Servers: bound(g, "agent", later).Servers}, "one moment"},
		"the Bound of another node":       {at("agent"), nil, bound(g, "find", env), "not made by"},
		"no Bound":                        {at("agent"), nil, none, "not made by"},
		"a Bound that nobody needs":       {at("find"), nil, bound(g, "agent", env), "not made by"},
		"a Bound of another compile":      {at("agent"), nil, bound(other, "agent", env), "not made by"},
		"a condition of another compile":  {at("find"), nil, bound(other, "find", env), "not made by"},
		"servers that are not bound":      {at("agent"), nil, graph.Bound{Tools: bound(g, "agent", env).Tools, Servers: make([]graph.BoundServerTool, 2)}, "not made by"},
		"tools that are bound by nothing": {at("none"), nil, graph.Bound{Tools: make([]graph.BoundTool, 1)}, "not made by"},
	} {
		v, err := g.Carry(tt.node, tt.with, tt.b)
		if err == nil || !slices.ContainsFunc(strings.Split(tt.want, "|"), func(w string) bool { return strings.Contains(err.Error(), w) }) {
			t.Errorf("%s: %v, %v; want an error with %q", name, v, err, tt.want)
		}
	}
}

func swapped(l []any) []any {
	out := slices.Clone(l)
	out[0], out[2] = l[2], l[0]
	return out
}

// mixed is a list with its first element from another one.
func mixed(l, first []any) []any {
	out := slices.Clone(l)
	out[2] = first[2]
	return out
}

func mixedTools(b, last graph.Bound) []graph.BoundTool {
	out := slices.Clone(b.Tools)
	out[len(out)-1] = last.Tools[len(out)-1]
	return out
}

// hostileCarried are carried values that Carry never makes.
var hostileCarried = []any{
	nil, "x", []any{}, map[string]any{"other": nil}, map[string]any{"with": nil, "other": nil}, map[string]any{"with": nil, "public": nil},
	map[string]any{"public": "x"}, map[string]any{"public": []any{}}, map[string]any{"public": map[string]any{}},
	map[string]any{"public": map[string]any{"v": nil, "t": nil}}, map[string]any{"public": map[string]any{"v": nil, "t": []any{}}},
	map[string]any{"public": map[string]any{"v": nil, "t": []any{"", "", int64(1)}}}, map[string]any{"public": map[string]any{"v": nil, "t": []any{"", "", "", ""}}},
	map[string]any{"public": map[string]any{"v": nil, "t": []any{"", "", ""}, "more": nil}}, map[string]any{"public": map[string]any{"t": []any{"", "", ""}, "more": nil}},
	map[string]any{"reads": "x"}, map[string]any{"reads": []any{}}, map[string]any{"reads": map[string]any{"": nil}}, map[string]any{"reads": map[string]any{"secrets": map[string]any{"KEY": "x"}}},
	map[string]any{"reads": map[string]any{"args": nil}}, map[string]any{"reads": map[string]any{"state": []any{}}}, map[string]any{"reads": map[string]any{"state": nil}},
	map[string]any{"reads": map[string]any{"state": map[string]any{"unknown": nil}}}, map[string]any{"reads": map[string]any{"nodes": map[string]any{"unknown": nil}}},
	map[string]any{"reads": map[string]any{"now": []any{}}}, map[string]any{"reads": map[string]any{"now": []any{1.0, int64(0)}}}, map[string]any{"reads": map[string]any{"now": []any{int64(0), 1.0}}},
	map[string]any{"reads": map[string]any{"now": []any{int64(0), int64(-1)}}}, map[string]any{"reads": map[string]any{"now": []any{int64(0), int64(1_000_000_000)}}},
	map[string]any{"reads": map[string]any{"stack": map[string]any{"created_at": []any{int64(0)}}}},
}

func TestCarriedRefuses(t *testing.T) {
	t.Parallel()
	g := compileCarried(t, carryDef)
	i, _ := g.NodeByID("text")
	for _, v := range hostileCarried {
		if with, _, err := g.Carried(i, v); err == nil || !strings.Contains(err.Error(), `node "text"`) {
			t.Errorf("%s is taken for %s, %v", value.String(v), value.String(with), err)
		}
	}
	plain, _ := g.NodeByID("data")
	if _, _, err := g.Carried(plain, map[string]any{"public": map[string]any{"v": nil}}); err == nil {
		t.Error("a with without secrets is taken for one with some")
	}
	for _, node := range []int{-1, len(g.Nodes)} {
		if _, _, err := g.Carried(node, map[string]any{}); err == nil {
			t.Errorf("there is a node %d", node)
		}
	}
}

// TestCarriedSharesNothingThatItChanges: what was carried can be read again.
func TestCarriedSharesNothingThatItChanges(t *testing.T) {
	t.Parallel()
	g := compileCarried(t, carryDef)
	env := carryEnv(g, map[string]any{"data": hostileData[len(hostileData)-2], "n": int64(7)})
	for i := range g.Nodes {
		with, b := given(t, g, i, env)
		v, err := g.Carry(i, with, b)
		if err != nil {
			t.Fatal(err)
		}
		before := value.AppendBinary(nil, v)
		if _, _, err := g.Carried(i, v); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, value.AppendBinary(nil, v)) {
			t.Errorf("node %s: what is carried has changed", g.Nodes[i].ID)
		}
	}
}

// FuzzCarried: no value leads to a panic, and what is taken for a task is one: it can be
// carried on, and comes back the same.
func FuzzCarried(f *testing.F) {
	g := compileCarried(f, carryDef)
	for _, data := range hostileData {
		env := carryEnv(g, map[string]any{"data": data, "n": int64(7), "big": []any{"a"}, "who": "ada"})
		for i := range g.Nodes {
			with, b := given(f, g, i, env)
			v, err := g.Carry(i, with, b)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i, value.AppendBinary(nil, v))
		}
	}
	for _, v := range hostileCarried {
		f.Add(3, value.AppendBinary(nil, v))
		f.Add(8, value.AppendBinary(nil, v))
	}
	f.Fuzz(func(t *testing.T, node int, b []byte) {
		v, err := value.ParseBinary(b)
		if err != nil {
			return
		}
		with, bound, err := g.Carried(node, v)
		if err != nil {
			return
		}
		did := doings(with, bound)
		again, same, _, err := carried(g, node, with, bound)
		if err != nil {
			if !value.Canonical(v) {
				return // ParseBinary takes texts that are not UTF-8
			}
			t.Fatal(err)
		}
		if !reflect.DeepEqual(with, again) || !reflect.DeepEqual(bound, same) {
			t.Errorf("%s comes back as %s", value.String(v), value.String(again))
		}
		if d := cmp.Diff(did, doings(again, same)); d != "" {
			t.Errorf("(-first +again):\n%s", d)
		}
	})
}

func holdsSecret(v any) bool {
	switch v := v.(type) {
	case *value.Secret:
		return true
	case []any:
		return slices.ContainsFunc(v, holdsSecret)
	case map[string]any:
		for _, e := range v {
			if holdsSecret(e) {
				return true
			}
		}
	}
	return false
}
