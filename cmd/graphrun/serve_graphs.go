package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// lookAtFiles is how often the graph files are looked at, and the files of the
// graphs that run within them. Their time and size are compared, which costs
// next to nothing; what differs is read.
const lookAtFiles = time.Second

// graphSet is the graph files that a server serves. Safe for concurrent use.
type graphSet struct {
	paths []string // as given: files and folders
	kinds graph.Kinds
	log   *slog.Logger

	mu     sync.Mutex
	rt     *runtime.Runtime
	seen   map[string]stamps      // by graph file
	graphs map[string]*dsl.Source // by name
}

// stamp is what a file looks like from outside.
type stamp struct {
	modified time.Time
	size     int64
}

// stamps are what a graph was read from, by file: its own, and those of the
// graphs that its nodes run.
type stamps map[string]stamp

// loadGraphs reads all graphs of the paths. Here every mistake counts: a
// server does not begin with half of what it was told to serve.
func (a *app) loadGraphs(paths []string, log *slog.Logger) (*graphSet, error) {
	s := &graphSet{paths: paths, kinds: a.kinds(), log: log, seen: map[string]stamps{}, graphs: map[string]*dsl.Source{}}
	files, err := s.files()
	if err != nil {
		return nil, usagef("%v", err)
	}
	if len(files) == 0 {
		return nil, usagef("there is no graph (*.graphrun.yaml) in %s", strings.Join(paths, ", "))
	}
	for _, file := range files {
		src, problems := s.load(file)
		if problems.HasErrors() {
			return nil, a.invalid(src, problems)
		}
		if other, twice := s.graphs[src.Graph.Name]; twice {
			return nil, usagef("%s and %s are both graph %q: give one of them another name", other.File, file, src.Graph.Name)
		}
		s.graphs[src.Graph.Name] = src
	}
	return s, nil
}

// load reads a graph file, and remembers what it and its inner graphs looked
// like before they were read: what changes meanwhile is seen at the next look.
// Which files these are is known only afterwards, so files that are new among
// them take a second reading.
func (s *graphSet) load(file string) (*dsl.Source, diag.List) {
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

// files lists the graph files of the paths, sorted, each once.
func (s *graphSet) files() ([]string, error) {
	var files []string
	for _, path := range s.paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file or folder %s", path)
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, filepath.Clean(path))
			continue
		}
		found, err := graphFilesIn(path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// maxFolders bounds the folders below a path, which are looked through every
// second.
const maxFolders = 1000

// graphFilesIn lists the graph files in a folder and those below it. Hidden
// folders are left out, and links to folders: they could lead anywhere.
func graphFilesIn(path string) (files []string, err error) {
	folders := []string{path}
	for k := 0; k < len(folders); k++ {
		entries, err := os.ReadDir(folders[k])
		switch {
		case k > 0 && errors.Is(err, fs.ErrNotExist): // gone since it was listed
			continue
		case err != nil:
			return nil, err
		}
		for _, e := range entries {
			name := filepath.Join(folders[k], e.Name())
			switch {
			case e.IsDir() && !strings.HasPrefix(e.Name(), "."):
				folders = append(folders, name)
			case !e.IsDir() && (strings.HasSuffix(name, ".graphrun.yaml") || strings.HasSuffix(name, ".graphrun.yml")):
				files = append(files, name)
			}
		}
		if len(folders) > maxFolders {
			return nil, fmt.Errorf("there are more than %d folders in %s: name the folders or files to serve", maxFolders, path)
		}
	}
	return files, nil
}

// stampOf is zero for a file that is not there.
func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// look gives what the same files are like now.
func (s stamps) look() stamps {
	now := make(stamps, len(s))
	for file := range s {
		now[file] = stampOf(file)
	}
	return now
}

// serveOn makes the graphs known to a runtime.
func (s *graphSet) serveOn(rt *runtime.Runtime) error {
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

// Graph is the present definition of a name, and its text.
func (s *graphSet) Graph(name string) (*graph.Graph, []byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src, ok := s.graphs[name]
	if !ok {
		return nil, nil, false
	}
	return src.Graph, src.Text, true
}

// Names are sorted.
func (s *graphSet) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.graphs))
}

// Reload reads all files again and takes up what has changed.
func (s *graphSet) Reload(context.Context) (api.Reloaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeUp(func(string) bool { return true }), nil
}

// look reads the files that look different from outside.
func (s *graphSet) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeUp(func(file string) bool {
		seen := s.seen[file]
		return seen == nil || !maps.Equal(seen, seen.look())
	})
}

// takeUp reads the files that are wanted, and what graphs within graphs they
// name with them. A file that is refused changes nothing; one that is gone
// neither: its stacks go on.
func (s *graphSet) takeUp(wanted func(file string) bool) api.Reloaded {
	out := api.Reloaded{Changed: []string{}, Refused: []api.Refused{}}
	files, err := s.files()
	if err != nil {
		return out // a file that is being replaced is there again at the next look
	}
	for _, file := range files {
		if !wanted(file) {
			continue
		}
		name, changed, err := s.read(file)
		switch {
		case err != nil:
			out.Refused = append(out.Refused, api.Refused{File: file, Reason: err.Error()})
			s.log.Error("graph refused", "file", file, "error", err)
		case changed:
			out.Changed = append(out.Changed, name)
			s.log.Info("graph taken up", "graph", name, "file", file)
		}
	}
	return out
}

// read takes up one file.
func (s *graphSet) read(file string) (name string, changed bool, err error) {
	src, problems := s.load(file)
	if problems.HasErrors() {
		return "", false, problems.Err()
	}
	name = src.Graph.Name
	known := s.graphs[name]
	if known != nil && known.File != file && slices.ContainsFunc(s.mustFiles(), func(f string) bool { return f == known.File }) {
		return "", false, fmt.Errorf("%s is graph %q already", known.File, name)
	}
	if known != nil && known.Graph.Hash == src.Graph.Hash {
		return name, false, nil
	}
	if err := s.rt.AddGraph(src.Graph, src.Text); err != nil {
		return "", false, err
	}
	s.graphs[name] = src
	return name, true, nil
}

func (s *graphSet) mustFiles() []string {
	files, _ := s.files() // none: nothing is there to be in the way
	return files
}
