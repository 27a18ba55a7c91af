package cli

import (
	"os"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/mask"
)

// secretsOf looks secrets up in the environment. With replay, one that only providers and
// servers read counts as empty where it is not set: nobody talks to them. graphs are asked
// for at each look.
func secretsOf(replay bool, graphs func() []*graph.Graph) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := os.LookupEnv(name); ok || !replay {
			return v, ok
		}
		for _, g := range graphs() {
			if needsOutside(g, name) {
				return "", false
			}
		}
		return "", true
	}
}

// needsOutside reports whether a graph, or one that it runs, reads a secret elsewhere than
// in providers and servers.
func needsOutside(g *graph.Graph, name string) bool {
	return slices.Contains(g.SecretsOutside(), name) ||
		slices.ContainsFunc(g.Inner(), func(inner *graph.Graph) bool { return needsOutside(inner, name) })
}

// onlyGraph is a list of one graph.
func onlyGraph(g *graph.Graph) func() []*graph.Graph {
	return func() []*graph.Graph { return []*graph.Graph{g} }
}

// maskOf hides the secrets of a graph and of the graphs that it runs.
func maskOf(g *graph.Graph) func(string) string {
	var values []string
	collectSecrets(g, &values)
	return mask.New(values).Text
}

func collectSecrets(g *graph.Graph, values *[]string) {
	for _, name := range g.Secrets {
		if v := os.Getenv(name); v != "" {
			*values = append(*values, v)
		}
	}
	for _, inner := range g.Inner() {
		collectSecrets(inner, values)
	}
}
