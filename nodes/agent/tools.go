package agent

import (
	"context"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// tool is something that a model may call in one task.
type tool struct {
	spec      ToolSpec
	args      *schema.Type // nil if arguments are not checked here
	effects   graph.Effects
	needsWord func(args any) (bool, error) // nil if no call needs a word
	call      func(ctx context.Context, number int, args any, rerun bool) outcome
	counted   bool // its work is a graph: the driver counts what that uses as it happens
}

// outcome is what a call came to.
type outcome struct {
	output any
	err    error
	inner  *Used // of a tool that is an agent or a graph
	tokens int64
	cost   float64
	memory []journal.MemoryWrite
}

// toolset is the tools of a task: nothing else is ever called, whatever a model asks for.
type toolset struct {
	byName map[string]*tool
	specs  []ToolSpec // in the order of the graph
	bytes  int        // of them in a question
}

func (s *toolset) empty() bool { return len(s.specs) == 0 }

func (s *toolset) add(t *tool) {
	if s.byName[t.spec.Name] != nil {
		return
	}
	s.byName[t.spec.Name] = t
	s.specs = append(s.specs, t.spec)
	s.bytes += len(t.spec.Name) + len(t.spec.Description) + value.Size(any(t.spec.Args)) + messageOverhead
}

func (s *toolset) names() []string {
	var names []string
	for _, t := range s.specs {
		names = append(names, t.Name)
	}
	return names
}

// memoryPrefix begins the names of the tools that search and write memories.
const memoryPrefix = "memory/"

// toolsOf finds the tools that an agent names: NAME, SERVER/TOOL, SERVER/*, memory/NAME
// and memory/NAME/write.
func (a *Agents) toolsOf(ctx context.Context, t *nodes.Task, names []string) (*toolset, error) {
	s := &toolset{byName: map[string]*tool{}}
	listed := map[string][]ToolSpec{}
	for _, name := range names {
		server, rest, sloped := strings.Cut(name, "/")
		switch {
		case strings.HasPrefix(name, memoryPrefix):
			tool, err := a.memoryTool(t, name, strings.TrimPrefix(name, memoryPrefix))
			if err != nil {
				return nil, err
			}
			s.add(tool)
		case !sloped:
			i := slices.IndexFunc(t.Tools, func(t nodes.Tool) bool { return t.Name == name })
			if i < 0 {
				return nil, bad("the graph has no tool %q", name)
			}
			s.add(graphTool(&t.Tools[i]))
		default:
			if err := a.serverTools(ctx, t, s, listed, server, rest); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// graphTool is a tool of the graph's own.
func graphTool(own *nodes.Tool) *tool {
	args := own.Args.JSON()
	if args["type"] == nil {
		args["type"] = "object" // a tool without arguments
	}
	return &tool{
		spec: ToolSpec{Name: own.Name, Description: own.Description, Args: args},
		args: own.Args, effects: own.Effects, needsWord: own.NeedsWord, counted: own.Kind.Runs,
		call: func(ctx context.Context, number int, args any, rerun bool) outcome {
			res, err := own.Call(ctx, number, args, rerun)
			o := outcome{output: res.Output, err: err, tokens: res.Tokens, cost: res.Cost, memory: res.Memory}
			if e := asNodes(err); e != nil {
				o.tokens, o.cost = e.Tokens, e.Cost
			}
			if res.Talk != nil {
				if u, ok := res.Talk.Usage.(map[string]any); ok {
					used := usedOf(u)
					o.inner = &used
				}
			}
			return o
		},
	}
}

// serverTools adds the tools of an MCP server, or one of them.
func (a *Agents) serverTools(ctx context.Context, t *nodes.Task, s *toolset, listed map[string][]ToolSpec, server, name string) error {
	i := slices.IndexFunc(t.Of.Servers, func(v graph.Server) bool { return v.Name == server })
	if i < 0 {
		return bad("the graph has no server %q", server)
	}
	if a.cfg.Servers == nil {
		return bad("this program calls no MCP servers: %q", server)
	}
	of := &t.Of.Servers[i]
	specs, known := listed[server]
	if !known {
		var err error
		if specs, err = a.cfg.Servers.Tools(ctx, *t, server); err != nil {
			return err
		}
		listed[server] = specs
	}
	found := false
	for _, spec := range specs {
		j := slices.IndexFunc(of.Tools, func(v graph.ServerTool) bool { return v.Name == spec.Name })
		if j < 0 || name != "*" && name != spec.Name {
			continue // what the graph does not list is not there, whatever the server offers
		}
		found = true
		s.add(a.serverTool(t, of, &of.Tools[j], spec))
	}
	if !found && name != "*" {
		return bad("server %q has no tool %q", server, name)
	}
	return nil
}

func (a *Agents) serverTool(t *nodes.Task, of *graph.Server, entry *graph.ServerTool, spec ToolSpec) *tool {
	server, name := of.Name, spec.Name
	spec.Name = server + "/" + name
	if v, err := value.Of(spec.Args); err == nil && spec.Args != nil {
		spec.Args, _ = v.Any().(map[string]any)
	} else {
		spec.Args = map[string]any{"type": "object"}
	}
	return &tool{
		spec: spec, args: a.types.of(spec.Args), effects: entry.Effects, needsWord: serverWord(t, server, entry),
		call: func(ctx context.Context, _ int, args any, _ bool) outcome {
			out, err := a.cfg.Servers.Call(ctx, *t, server, name, args)
			return outcome{output: out, err: err}
		},
	}
}

// serverWord says which calls of a server's tool need a person's word.
func serverWord(t *nodes.Task, server string, entry *graph.ServerTool) func(any) (bool, error) {
	switch {
	case entry.Approve == nil:
		return nil
	case t.ServerWord == nil: // the driver does not know the condition
		return func(any) (bool, error) { return true, nil }
	}
	return func(args any) (bool, error) { return t.ServerWord(server, entry.Name, args) }
}

// maxTypes bounds the types of servers' tools that are kept.
const maxTypes = 1000

// of compiles what a server says that a tool takes; nil if that is beyond the types of
// graphs. Then the server checks the arguments alone.
func (c *typeCache) of(args map[string]any) *schema.Type {
	key := value.String(any(args))
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.types[key]; ok {
		return t
	}
	none, _ := schema.NewSet(nil)
	t, problems := none.Compile(tree.Of(any(args)))
	if problems.HasErrors() {
		t = nil
	}
	if c.types == nil || len(c.types) >= maxTypes {
		c.types = map[string]*schema.Type{}
	}
	c.types[key] = t
	return t
}

// memoryTool searches a memory, or writes to it (NAME/write).
func (a *Agents) memoryTool(t *nodes.Task, name, rest string) (*tool, error) {
	memory, write := strings.CutSuffix(rest, "/write")
	i := slices.IndexFunc(t.Of.Memories, func(m graph.Memory) bool { return m.Name == memory })
	if i < 0 {
		return nil, bad("the graph has no memory %q", memory)
	}
	if a.cfg.Memory == nil {
		return nil, bad("this program has no memories: %q", memory)
	}
	if write {
		return a.memoryWrite(t, name, memory, t.Of.Memories[i].Data), nil
	}
	args := schema.ObjectOf(
		schema.Prop{Name: "query", Type: schema.StringType, Required: true},
		schema.Prop{Name: "limit", Type: schema.IntegerType},
	)
	return &tool{
		spec: ToolSpec{Name: name, Description: "Searches the memory \"" + memory + "\" for what is near to a text. The result is a list of {id, text, data, score}, the best first.",
			Args: args.JSON()},
		args: args, effects: graph.EffectsNone,
		call: func(ctx context.Context, _ int, args any, _ bool) outcome {
			m, _ := args.(map[string]any)
			limit := int(intOf(m["limit"]))
			if limit < 1 {
				limit = searchLimit
			}
			out, err := a.cfg.Memory.Search(ctx, *t, memory, textOf(m["query"]), limit)
			return outcome{output: out, err: err}
		},
	}, nil
}

// searchLimit is how many items a search gives if the model does not say.
const searchLimit = 5

func (a *Agents) memoryWrite(t *nodes.Task, name, memory string, data *schema.Type) *tool {
	if data == nil {
		data = schema.MapOf(schema.AnyType)
	}
	args := schema.ObjectOf(
		schema.Prop{Name: "text", Type: schema.StringType, Required: true},
		schema.Prop{Name: "id", Type: schema.StringType.OrNull()},
		schema.Prop{Name: "data", Type: data.OrNull()},
	)
	return &tool{
		spec: ToolSpec{Name: name, Description: "Keeps a text in the memory \"" + memory + "\". The same id again replaces it. The result is {id}.", Args: args.JSON()},
		args: args, effects: graph.EffectsKeyed,
		call: func(ctx context.Context, number int, args any, _ bool) outcome {
			m, _ := args.(map[string]any)
			out, w, err := a.cfg.Memory.Write(ctx, *t, memory, textOf(m["id"]), nodes.CallKey(t.Key, number), textOf(m["text"]), m["data"])
			if err != nil {
				return outcome{err: err}
			}
			return outcome{output: out, memory: []journal.MemoryWrite{w}}
		},
	}
}
