package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/graphrun/graphrun"

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Standard,Imports,Deps"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// room says what a package may import: house packages by their path below the
// module, and third-party modules by prefix. Paths are exact; "*" is anything.
type room struct {
	house, third []string
}

// rooms is the table of the house. A package that is not in it fails the test:
// a new room is a decision, not an accident.
var rooms = map[string]room{
	"diag":                  {third: []string{"github.com/agnivade/levenshtein", "github.com/mattn/go-runewidth"}},
	"schema":                {},
	"graphs":                {},
	"docs":                  {},
	"graph/tree":            {house: []string{"diag"}},
	"graph/value":           {},
	"graph/schema":          {house: []string{"diag", "graph/tree", "graph/value", "internal/late"}, third: []string{"github.com/google/jsonschema-go"}},
	"graph/cond":            {house: []string{"diag", "graph/cron", "graph/schema", "graph/tree", "graph/value", "internal/late"}, third: []string{"github.com/expr-lang/expr"}},
	"graph/cron":            {},
	"graph":                 {house: []string{"diag", "graph/cond", "graph/cron", "graph/schema", "graph/tree", "graph/value", "internal/late"}},
	"graph/dag":             {house: []string{"graph"}, third: []string{"github.com/dominikbraun/graph"}},
	"graph/render":          {house: []string{"graph", "diag", "graph/cond", "graph/inspect", "graph/journal", "graph/machine", "graph/value"}, third: []string{"github.com/mattn/go-runewidth"}},
	"graph/journal":         {house: []string{"graph/value"}},
	"graph/sim":             {house: []string{"graph", "graph/journal", "graph/machine", "graph/value"}},
	"graph/explore":         {house: []string{"diag", "graph", "graph/cond", "graph/journal", "graph/machine", "graph/schema", "graph/sim", "graph/tree", "graph/trial", "graph/value"}},
	"graph/trial":           {house: []string{"diag", "graph", "graph/cond", "graph/inspect", "graph/journal", "graph/machine", "graph/render", "graph/schema", "graph/sim", "graph/tree", "graph/value", "internal/late"}},
	"graph/inspect":         {house: []string{"diag", "graph", "graph/cond", "graph/journal", "graph/machine", "graph/sim", "graph/value"}},
	"graph/machine":         {house: []string{"diag", "graph", "graph/cond", "graph/cron", "graph/journal", "graph/schema", "graph/value"}},
	"nodes":                 {house: []string{"diag", "graph", "graph/journal", "graph/schema", "graph/tree", "graph/value", "nodes/internal/gotype", "internal/late"}, third: []string{"github.com/google/jsonschema-go"}},
	"nodes/std":             {house: []string{"diag", "graph", "graph/schema", "graph/tree", "graph/value", "nodes", "nodes/internal/program", "nodes/internal/stay"}},
	"nodes/agent":           {house: []string{"graph", "graph/cond", "graph/journal", "graph/schema", "graph/tree", "graph/value", "nodes", "nodes/std"}},
	"nodes/agent/openai":    {house: []string{"graph/value", "nodes/agent", "nodes/agent/internal/wire"}},
	"nodes/agent/anthropic": {house: []string{"graph/value", "nodes/agent", "nodes/agent/internal/wire", "internal/late"}},
	"nodes/agent/agenttest": {},
	"nodes/agent/script":    {house: []string{"diag", "graph/cond", "graph/schema", "graph/value", "nodes", "nodes/agent"}, third: []string{"gopkg.in/yaml.v3"}},
	"nodes/agent/cassette":  {house: []string{"graph/value", "nodes", "nodes/agent"}},
	"nodes/mcp":             {house: []string{"graph", "graph/cond", "graph/value", "nodes", "nodes/agent", "nodes/internal/program", "nodes/std"}, third: []string{"github.com/modelcontextprotocol/go-sdk"}},
	"nodes/memory":          {house: []string{"graph", "graph/journal", "graph/schema", "graph/value", "nodes", "nodes/agent", "nodes/std"}},
	"nodes/charset":         {third: []string{"golang.org/x/text"}},
	"dsl":                   {house: []string{"diag", "graph", "graph/cond", "graph/schema", "graph/tree", "graph/value", "nodes", "internal/late"}, third: []string{"gopkg.in/yaml.v3"}},
	"dsl/testfile":          {house: []string{"diag", "dsl", "graph", "graph/tree", "graph/trial", "internal/late"}},
	"lsp":                   {house: []string{"diag", "dsl", "dsl/testfile", "graph", "graph/value", "nodes"}},
	"mask":                  {house: []string{"graph/value"}},
	"runtime":               {house: []string{"runtime/feed", "diag", "graph", "graph/inspect", "graph/journal", "graph/machine", "graph/schema", "graph/value", "mask", "nodes", "runtime/internal/files", "runtime/internal/fleet", "runtime/internal/index", "runtime/internal/pool", "runtime/internal/timer", "runtime/internal/work", "internal/late"}},
	"runtime/memstore":      {house: []string{"runtime", "graph", "graph/journal", "graph/machine", "graph/value"}},
	"runtime/commitlog":     {house: []string{"runtime/internal/place"}, third: []string{"golang.org/x/sys"}},
	"runtime/boltstore":     {house: []string{"runtime", "runtime/commitlog", "runtime/internal/place", "graph", "graph/journal", "graph/machine", "graph/value"}, third: []string{"github.com/tidwall/btree", "go.etcd.io/bbolt", "golang.org/x/sys"}},
	"runtime/storetest":     {house: []string{"runtime", "graph", "graph/inspect", "graph/journal", "graph/machine", "graph/value"}, third: []string{"github.com/google/go-cmp", "pgregory.net/rapid"}},
	"runtime/runtimetest":   {house: []string{"runtime/feed", "runtime", "runtime/memstore", "graph", "graph/inspect", "graph/journal", "graph/machine", "graph/render", "graph/trial", "graph/value", "nodes"}, third: []string{"github.com/google/go-cmp"}},
	"runtime/api":           {house: []string{"runtime/feed", "runtime", "diag", "graph", "graph/cond", "graph/inspect", "graph/journal", "graph/machine", "graph/trial", "graph/value", "internal/late"}},
	"serve":                 {house: []string{"diag", "dsl", "graph", "graph/inspect", "graph/journal", "nodes", "runtime", "runtime/api", "web"}},
	"web":                   {house: []string{"diag", "graph", "graph/inspect", "graph/journal", "graph/machine", "graph/render", "graph/value", "nodes", "runtime/api", "runtime/feed"}},
	"internal/cli":          {house: []string{"*"}, third: []string{"*"}},
	"cmd/graphrun":          {house: []string{"internal/cli"}},
	"bench":                 {},
	"torture":               {},
	"internal/house":        {},
	"internal/randomgraph":  {third: []string{"pgregory.net/rapid"}},
	"internal/late":         {},
	"internal/suites":       {},

	"nodes/internal/gotype":     {house: []string{"graph/value"}},
	"nodes/internal/program":    {house: []string{"nodes"}},
	"nodes/internal/stay":       {house: []string{"graph/value", "nodes", "nodes/internal/program", "internal/late"}},
	"runtime/internal/files":    {house: []string{"graph", "graph/machine"}},
	"runtime/internal/timer":    {},
	"runtime/internal/pool":     {house: []string{"graph", "graph/journal", "runtime/internal/timer"}},
	"runtime/internal/fleet":    {},
	"runtime/internal/index":    {house: []string{"graph/inspect", "graph/journal"}, third: []string{"github.com/tidwall/btree"}},
	"internal/pictures":         {third: []string{"github.com/mattn/go-runewidth"}},
	"runtime/internal/place":    {},
	"runtime/internal/work":     {house: []string{"graph", "graph/inspect", "graph/journal", "graph/machine", "graph/value", "internal/late", "mask", "nodes"}},
	"runtime/telemetry":         {house: []string{"graph/journal", "nodes", "nodes/agent", "runtime", "runtime/feed"}, third: []string{"go.opentelemetry.io/otel"}},
	"runtime/telemetry/otlp":    {third: []string{"go.opentelemetry.io/otel"}},
	"nodes/agent/internal/wire": {house: []string{"graph/value", "nodes/agent"}},
	"runtime/feed":              {house: []string{"graph/journal"}},

	"runtime/runtimetest/testfiles": {house: []string{"diag", "dsl/testfile", "graph/explore", "graph/trial", "nodes", "runtime/runtimetest"}},
}

func TestImportTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		seen[name] = true
		r, ok := rooms[name]
		if !ok {
			t.Errorf("package %q has no room in the table of internal/house", name)
			continue
		}
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok {
				if !slices.Contains(r.house, own) && !slices.Contains(r.house, "*") {
					t.Errorf("%s imports %s, which its room does not allow", name, own)
				}
				continue
			}
			if !strings.Contains(strings.Split(imp, "/")[0], ".") {
				continue // the standard library
			}
			if !slices.ContainsFunc(r.third, func(m string) bool { return m == "*" || imp == m || strings.HasPrefix(imp, m+"/") }) {
				t.Errorf("%s imports %s, which its room does not allow", name, imp)
			}
		}
	}
	for name := range rooms {
		if !seen[name] {
			t.Errorf("the table has a room %q without a package", name)
		}
	}
}

// TestMachineIsPure keeps I/O, concurrency and the context out of everything
// that decides. What it may not do by imports, TestMachineAsksNoClock covers.
func TestMachineIsPure(t *testing.T) {
	t.Parallel()
	forbidden := []string{"sync/atomic", "os", "os/exec", "io/fs", "net", "net/http", "context", "sync", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "syscall", "testing"}
	allowed := map[string]string{
		module + "/graph/cond": "sync",        // builds its table of functions once, on first use
		module + "/graph":      "sync/atomic", // which of two successors of a list appends to its array; both have the same elements
	}
	for _, p := range list(t, "./graph/machine", "./graph/journal", "./graph", "./graph/cron", "./graph/tree", "./graph/value", "./graph/schema", "./graph/cond") {
		for _, imp := range p.Imports {
			if slices.Contains(forbidden, imp) && allowed[p.ImportPath] != imp {
				t.Errorf("%s imports %q: what decides must not act", p.ImportPath, imp)
			}
		}
	}
}

// TestEmbedderBudget: what a program links that imports the runtime alone.
func TestEmbedderBudget(t *testing.T) {
	t.Parallel()
	agents := []string{module + "/nodes/agent", module + "/nodes/mcp", module + "/nodes/memory", "github.com/modelcontextprotocol/"}
	for pkg, forbidden := range map[string][]string{
		"./runtime":           append([]string{"gopkg.in/yaml.v3", "go.etcd.io/bbolt", "github.com/spf13/cobra", "charm.land/", "github.com/robfig/cron", module + "/dsl", module + "/cmd"}, agents...),
		"./runtime/boltstore": append([]string{"gopkg.in/yaml.v3", "github.com/spf13/cobra", "charm.land/", module + "/dsl"}, agents...),
		"./runtime/api":       agents,
		"./dsl":               agents,
		"./serve":             agents,
		"./graph/machine":     {"gopkg.in/yaml.v3", "go.etcd.io/bbolt", module + "/runtime", module + "/nodes"},
		"./nodes/std":         append([]string{"golang.org/x/text", "gopkg.in/yaml.v3", "go.etcd.io/bbolt"}, agents...),
		"./nodes/agent":       {"github.com/modelcontextprotocol/", module + "/nodes/mcp", module + "/nodes/memory", module + "/nodes/agent/"},
	} {
		for _, p := range list(t, pkg) {
			for _, dep := range p.Deps {
				for _, f := range forbidden {
					if strings.HasPrefix(dep, f) {
						t.Errorf("%s links %s", pkg, dep)
					}
				}
			}
		}
	}
}

// TestOneDoor: these libraries are used from one file each, and YAML from two: graphs, and
// the replies of api script, which a program without package dsl may read.
func TestOneDoor(t *testing.T) {
	t.Parallel()
	for imp, most := range map[string]int{"gopkg.in/yaml.v3": 2, "github.com/dominikbraun/graph": 1} {
		var files []string
		for _, f := range goFiles(t) {
			if !strings.HasSuffix(f.path, "_test.go") && strings.Contains(f.text, `"`+imp+`"`) {
				files = append(files, f.path)
			}
		}
		if len(files) > most {
			t.Errorf("%s is imported by %d files, at most %d: %v", imp, len(files), most, files)
		}
	}
}

// TestSuitesAreForTests: what finds test data beside the repository is in no
// program.
func TestSuitesAreForTests(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		if slices.Contains(p.Imports, module+"/internal/suites") {
			t.Errorf("%s imports internal/suites outside its tests", p.ImportPath)
		}
	}
}
