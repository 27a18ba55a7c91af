package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// maxProbe is how long a provider or a server may take to answer a probe.
const maxProbe = 10 * time.Second

func modelsCommand(a *app) *cobra.Command {
	var probe bool
	cmd := &cobra.Command{
		Use:   "models [FILE...]",
		Short: "List the providers of models and the MCP servers of graphs, and probe them",
		Args:  arguments(0, -1, "any number of FILEs"),
		RunE: func(cmd *cobra.Command, files []string) error {
			l, err := a.listProviders(files)
			if err != nil {
				return err
			}
			if probe {
				l.probe(cmd.Context(), newWork(a, nil))
			}
			if err := a.printProviders(l); err != nil {
				return err
			}
			if l.failed() {
				return &exitError{code: exitWorkFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "ask each provider for its models and each server for its tools, 10s at most")
	return cmd
}

// providerJSON is a provider in what `models -o json` prints.
type providerJSON struct {
	Graph    string               `json:"graph,omitempty"` // "" without a file
	Provider string               `json:"provider"`
	API      string               `json:"api"`
	Address  string               `json:"address"` // or the file of a script
	Key      string               `json:"key"`     // set, missing or none: never the key
	Parallel int                  `json:"parallel"`
	Rate     string               `json:"rate"`
	Tokens   string               `json:"tokens"`
	Prices   map[string]priceJSON `json:"prices"`
	probeJSON
	Models []string `json:"models,omitempty"`

	of   *graph.Graph
	from *graph.Provider
}

// priceJSON is what a million tokens cost.
type priceJSON struct {
	Input      float64 `json:"input"`
	Output     float64 `json:"output"`
	Cached     float64 `json:"cached"`
	CacheWrite float64 `json:"cache_write"`
}

// mcpJSON is an MCP server in what `models -o json` prints.
type mcpJSON struct {
	Graph   string   `json:"graph"`
	Server  string   `json:"server"`
	Address string   `json:"address"` // or the program
	Allowed []string `json:"allowed"` // the tools that the graph lets be called
	probeJSON
	Tools []string `json:"tools,omitempty"` // of those: the ones that the server has

	of *graph.Graph
}

// probeJSON is what came of a probe; OK is nil without one.
type probeJSON struct {
	OK    *bool  `json:"ok,omitempty"`
	Error string `json:"error,omitempty"`
}

func (p *probeJSON) set(err error, mask func(string) string) {
	ok := err == nil
	p.OK = &ok
	if err != nil {
		p.Error = oneLine(mask(err.Error()))
	}
}

// listing is what `models` prints.
type listing struct {
	Providers []*providerJSON `json:"providers"`
	Servers   []*mcpJSON      `json:"servers"`
}

// noGraph is a graph that declares no providers, so that it has those that every graph has.
const noGraph = "{graphrun: 1, name: none, secrets: [OPENAI_API_KEY, ANTHROPIC_API_KEY], nodes: {none: {uses: set}}}"

// listProviders reads the providers and servers of graphs, or those of any graph.
func (a *app) listProviders(files []string) (*listing, error) {
	l := &listing{[]*providerJSON{}, []*mcpJSON{}}
	if len(files) == 0 {
		src, problems := dsl.LoadReader("none", strings.NewReader(noGraph), a.kinds())
		if problems.HasErrors() {
			return nil, problems.Err()
		}
		l.add(src.Graph, "")
	}
	for _, file := range files {
		src, err := a.load(file)
		if err != nil {
			return nil, err
		}
		l.add(src.Graph, src.Graph.Name)
	}
	return l, nil
}

// addresses are those of APIs whose providers name none.
var addresses = map[string]string{"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}

func (l *listing) add(g *graph.Graph, name string) {
	for i := range g.Providers {
		p := &g.Providers[i]
		conf := filled(p.Config)
		out := &providerJSON{Graph: name, Provider: p.Name, API: p.API, Parallel: p.Parallel, Rate: rateText(p.Rate, p.RatePer),
			Tokens: rateText(p.Tokens, p.TokensPer), Prices: map[string]priceJSON{}, of: g, from: p}
		out.Address = cmp.Or(textIn(conf, "base_url"), textIn(conf, "file"), addresses[p.API])
		switch key, has := conf["key"]; {
		case !has:
			out.Key = "none"
		case key == "":
			out.Key = "missing"
		default:
			out.Key = "set"
		}
		for model, price := range p.Prices {
			out.Prices[model] = priceJSON(price)
		}
		l.Providers = append(l.Providers, out)
	}
	for i := range g.Servers {
		s := &g.Servers[i]
		conf := filled(s.Config)
		out := &mcpJSON{Graph: name, Server: s.Name, Address: textIn(conf, "url"), Allowed: []string{}, of: g}
		if command, _ := conf["command"].([]any); len(command) > 0 && out.Address == "" {
			out.Address, _ = command[0].(string) // what follows may hold a secret
		}
		for _, t := range s.Tools {
			out.Allowed = append(out.Allowed, t.Name)
		}
		l.Servers = append(l.Servers, out)
	}
}

// filled is the configuration of a provider or server; secrets that are not set are empty.
func filled(t *graph.Template) map[string]any {
	if t == nil {
		return nil
	}
	v, err := t.Fill(func(name string) (string, bool) { return os.Getenv(name), true })
	if err != nil {
		return nil
	}
	conf, _ := v.(map[string]any)
	return conf
}

func textIn(m map[string]any, name string) string { s, _ := m[name].(string); return s }

func rateText(n int, per time.Duration) string {
	if n == 0 {
		return ""
	}
	unit := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h"}[per]
	return fmt.Sprintf("%d/%s", n, cmp.Or(unit, per.String()))
}

// probe asks everyone at the same time.
func (l *listing) probe(ctx context.Context, w *work) {
	w.open(ctx)
	defer w.close()
	var all sync.WaitGroup
	ask := func(g *graph.Graph, p *probeJSON, f func(context.Context) error) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, maxProbe)
			defer cancel()
			err := f(ctx)
			if ctx.Err() == context.DeadlineExceeded && err != nil {
				err = fmt.Errorf("no answer after %s", brief(maxProbe))
			}
			p.set(err, maskOf(g))
		})
	}
	for _, p := range l.Providers {
		ask(p.of, &p.probeJSON, func(ctx context.Context) (err error) {
			if p.Key == "missing" {
				return fmt.Errorf("its key is not set")
			}
			m, err := w.agents.Model(p.from, p.of.Dir, os.LookupEnv)
			if err != nil {
				return err
			}
			if lister, ok := m.(agent.Lister); ok {
				p.Models, err = lister.Models(ctx)
				slices.Sort(p.Models)
			}
			return err
		})
	}
	for _, s := range l.Servers {
		ask(s.of, &s.probeJSON, func(ctx context.Context) error {
			specs, err := w.servers.Tools(ctx, nodes.Task{Of: s.of, Dir: s.of.Dir, Secret: os.LookupEnv}, s.Server)
			for _, t := range specs {
				s.Tools = append(s.Tools, t.Name)
			}
			return err
		})
	}
	all.Wait()
}

func (l *listing) failed() bool {
	bad := func(p probeJSON) bool { return p.OK != nil && !*p.OK }
	return slices.ContainsFunc(l.Providers, func(p *providerJSON) bool { return bad(p.probeJSON) }) ||
		slices.ContainsFunc(l.Servers, func(s *mcpJSON) bool { return bad(s.probeJSON) })
}

func (a *app) printProviders(l *listing) error {
	if a.json() {
		return a.printJSON(l)
	}
	printTable(a.out, func(row func(cells ...any)) {
		row("PROVIDER", "API", "ADDRESS", "KEY", "LIMITS", "NOTE")
		for _, p := range l.Providers {
			row(placeOf(p.Graph, p.Provider), p.API, oneLine(p.Address), p.Key, p.limits(), p.note(plural(len(p.Models), "model")))
		}
		for _, s := range l.Servers {
			row(placeOf(s.Graph, s.Server), "mcp", oneLine(s.Address), "", "", s.note(fmt.Sprintf("%d of %s", len(s.Tools), plural(len(s.Allowed), "tool"))))
		}
	})
	for _, p := range l.Providers {
		for _, model := range slices.Sorted(maps.Keys(p.Prices)) {
			price := p.Prices[model]
			a.printf("%s/%s: %s per million tokens of input, %s of output\n", placeOf(p.Graph, p.Provider), oneLine(model), money(price.Input), money(price.Output))
		}
		for _, model := range p.Models {
			a.printf("%s/%s\n", placeOf(p.Graph, p.Provider), oneLine(model))
		}
	}
	for _, s := range l.Servers {
		for _, tool := range s.Tools {
			a.printf("%s/%s\n", placeOf(s.Graph, s.Server), oneLine(tool))
		}
	}
	return nil
}

// placeOf names what a graph declares.
func placeOf(graph, name string) string {
	if graph == "" {
		return name
	}
	return graph + ": " + name
}

func (p *providerJSON) limits() string {
	var parts []string
	if p.Parallel > 0 {
		parts = append(parts, fmt.Sprintf("%d in parallel", p.Parallel))
	}
	if p.Rate != "" {
		parts = append(parts, p.Rate)
	}
	if p.Tokens != "" {
		parts = append(parts, p.Tokens+" tokens")
	}
	return strings.Join(parts, ", ")
}

func (p *probeJSON) note(good string) string {
	switch {
	case p.OK == nil:
		return ""
	case *p.OK:
		return "ok, " + good
	}
	return "failed: " + p.Error
}
