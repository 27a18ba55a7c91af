package serve

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// Graphs is a set of graph files, each with a name of its own. Make one with
// LoadGraphs. It is safe for concurrent use.
type Graphs struct {
	paths []string // files and folders, as they were given
	kinds graph.Kinds
	log   *slog.Logger

	mu     sync.Mutex
	rt     *runtime.Runtime
	seen   map[string]stamps      // by graph file
	graphs map[string]*dsl.Source // by name
	warned map[string]diag.List   // of those that have warnings
	broken map[string]api.Refused // files that were not adopted when they were last read
}

// InvalidError is a graph file that has errors. Source has the text of every file
// that Problems name.
type InvalidError struct {
	Source   *dsl.Source
	Problems diag.List
}

func (e *InvalidError) Error() string { return e.Problems.Error() }

// Unwrap gives the problems.
func (e *InvalidError) Unwrap() error { return e.Problems }

// LoadGraphs reads the graph files of paths: files, and folders, which stand for
// every *.graphrun.yaml in them and below them. Every mistake counts here, since a
// server must not start with half of its graphs: the error is an *InvalidError
// for a file with errors, and says what is wrong with the paths otherwise. The
// logger gets what happens to the files later.
func LoadGraphs(paths []string, kinds graph.Kinds, log *slog.Logger) (*Graphs, error) {
	s := &Graphs{paths: paths, kinds: kinds, log: log, seen: map[string]stamps{}, graphs: map[string]*dsl.Source{}, warned: map[string]diag.List{}, broken: map[string]api.Refused{}}
	files, err := filesOf(paths)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no graph (*.graphrun.yaml) in %s", strings.Join(paths, ", "))
	}
	for _, file := range files {
		src, problems := s.load(file)
		if problems.HasErrors() {
			return nil, &InvalidError{src, problems}
		}
		if other, twice := s.graphs[src.Graph.Name]; twice {
			return nil, fmt.Errorf("%s and %s are both graph %q: give one of them another name", other.File, file, src.Graph.Name)
		}
		s.take(src, problems)
	}
	return s, nil
}

// take keeps a graph that is served from now on. Its problems are warnings.
func (s *Graphs) take(src *dsl.Source, problems diag.List) {
	s.graphs[src.Graph.Name] = src
	if delete(s.warned, src.Graph.Name); len(problems) > 0 {
		s.warned[src.Graph.Name] = problems
	}
}

// load reads a graph file. It notes what that file and the files of its inner
// graphs looked like before they were read, so that the next look finds a change
// made meanwhile. Which files these are is known only after reading, so inner
// files that are new take a second reading.
func (s *Graphs) load(file string) (*dsl.Source, diag.List) {
	known := s.seen[file]
	if known == nil {
		known = stamps{file: {}}
	}
	for {
		before := known.look()
		src, problems := dsl.Load(file, s.kinds)
		read, complete := stamps{file: before[file]}, true
		for inner := range src.Files {
			at, ok := before[inner]
			read[inner], complete = at, complete && ok
		}
		if complete {
			s.seen[file] = read
			return src, problems
		}
		known = read
	}
}

// serveOn gives all graphs to a runtime, which also gets those that change later.
func (s *Graphs) serveOn(rt *runtime.Runtime) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rt = rt
	for _, name := range slices.Sorted(maps.Keys(s.graphs)) {
		src := s.graphs[name]
		if err := rt.AddGraph(src.Graph, src.Text); err != nil {
			return fmt.Errorf("%s: %w", src.File, err)
		}
	}
	return nil
}

// Graph returns the current definition of a graph and the text of its file.
func (s *Graphs) Graph(name string) (*graph.Graph, []byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src, ok := s.graphs[name]
	if !ok {
		return nil, nil, false
	}
	return src.Graph, src.Text, true
}

// Warnings lists the problems of a graph that do not keep it from running, with the texts of
// the files that they are in.
func (s *Graphs) Warnings(name string) (diag.List, map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src, ok := s.graphs[name]; ok {
		return s.warned[name], src.Files
	}
	return nil, nil
}

// Names lists the names of all graphs, sorted.
func (s *Graphs) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.graphs))
}

// Refused lists the files that were not adopted when they were last read, by their names.
func (s *Graphs) Refused() []api.Refused {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []api.Refused
	for _, file := range slices.Sorted(maps.Keys(s.broken)) {
		all = append(all, s.broken[file])
	}
	return all
}

// Files lists every file that the graphs were read from, sorted: the graph files
// and those of their inner graphs.
func (s *Graphs) Files() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for _, read := range s.seen {
		for file := range read {
			all[file] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Reload reads all files again and adopts those that changed.
func (s *Graphs) Reload(context.Context) (api.Reloaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.adopt(func(string) bool { return true }), nil
}

// look reads the files whose time or size changed. Comparing these costs next to
// nothing.
func (s *Graphs) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopt(func(file string) bool {
		seen := s.seen[file]
		return seen == nil || !maps.Equal(seen, seen.look())
	})
}

// adopt reads the files that are wanted. A file that is refused changes nothing.
// Neither does a file that was deleted: its stacks continue.
func (s *Graphs) adopt(wanted func(file string) bool) api.Reloaded {
	out := api.Reloaded{Changed: []string{}, Refused: []api.Refused{}}
	files, err := filesOf(s.paths)
	if err != nil {
		return out // a file that is being replaced exists again at the next look
	}
	for _, file := range files {
		if !wanted(file) {
			continue
		}
		name, changed, err := s.read(file, files)
		delete(s.broken, file)
		switch {
		case err != nil:
			s.broken[file] = api.Refused{File: file, Reason: diag.Shorten(err.Error(), diag.MaxMessage)}
			out.Refused = append(out.Refused, s.broken[file])
			s.log.Error("graph refused", "file", file, "error", err)
		case changed:
			out.Changed = append(out.Changed, name)
			s.log.Info("graph adopted", "graph", name, "file", file)
		}
	}
	return out
}

// read loads one of the files and gives it to the runtime when it changed.
func (s *Graphs) read(file string, files []string) (name string, changed bool, err error) {
	src, problems := s.load(file)
	if problems.HasErrors() {
		return "", false, problems.Err()
	}
	name = src.Graph.Name
	known := s.graphs[name]
	if known != nil && known.File != file && slices.Contains(files, known.File) {
		return "", false, fmt.Errorf("%s is graph %q already", known.File, name)
	}
	if known != nil && known.Graph.Hash == src.Graph.Hash {
		return name, false, nil
	}
	if err := s.rt.AddGraph(src.Graph, src.Text); err != nil {
		return "", false, err
	}
	s.take(src, problems)
	return name, true, nil
}
