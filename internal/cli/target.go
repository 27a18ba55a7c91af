package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// refuseTarget returns a usage error for a file that no command may write to: the
// store, a file that belongs to it, or one of the graph files (filesOf), under whatever
// name it is given. what says who wants to write. Every file that a command writes to
// goes through here.
func (a *app) refuseTarget(what, file string, graphs ...string) error {
	for _, other := range a.storeFiles() {
		if sameFile(file, other) {
			return usagef("%s: %s belongs to the store %s, nothing else may be written there", what, file, a.db)
		}
	}
	if slices.ContainsFunc(graphs, func(other string) bool { return sameFile(file, other) }) {
		return usagef("%s: %s is a graph file, which is only read", what, file)
	}
	return nil
}

// filesOf are the files that a graph is read from: its text, the graphs that it runs, and
// the scripts that answer in place of models.
func filesOf(src *dsl.Source) []string {
	return append(slices.Collect(maps.Keys(src.Files)), scriptsOf(src.Graph)...)
}

func scriptsOf(g *graph.Graph) (files []string) {
	for i := range g.Providers {
		if p := &g.Providers[i]; p.API == "script" && p.Config != nil {
			config, _ := p.Config.Const()
			fields, _ := config.(map[string]any)
			if file, _ := fields["file"].(string); file != "" {
				if !filepath.IsAbs(file) {
					file = filepath.Join(g.Dir, file)
				}
				files = append(files, file)
			}
		}
	}
	for _, inner := range g.Inner() {
		files = append(files, scriptsOf(inner)...)
	}
	return files
}

// storeFiles are the store and what lies beside it.
func (a *app) storeFiles() []string {
	if !a.inFile() {
		return nil
	}
	return append(boltstore.Files(a.db), api.Files(a.db)...)
}

// createTarget opens a file for writing, empty. A file that refuseTarget refuses
// keeps its content, even if it gets its name at the last moment.
func (a *app) createTarget(ctx context.Context, what, file string, graphs ...string) (*os.File, error) {
	if err := a.refuseTarget(what, file, graphs...); err != nil {
		return nil, err
	}
	f, err := openToWrite(ctx, file)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, usagef("%s: %v", what, err)
	}
	info, err := f.Stat()
	if err == nil && a.isProtected(info, graphs) {
		err = fmt.Errorf("%s may not be written to", file)
	}
	if err == nil && info.Mode().IsRegular() {
		err = f.Truncate(0)
	}
	if err != nil {
		_ = f.Close() // the error at hand says more
		return nil, usagef("%s: %v", what, err)
	}
	return f, nil
}

// openToWrite opens a file. A named pipe opens when somebody reads it, or not until
// ctx ends: then a signal must end the command.
func openToWrite(ctx context.Context, file string) (*os.File, error) {
	opened := make(chan struct{})
	var got *os.File
	var failed error
	go func() {
		got, failed = os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o666)
		close(opened)
	}()
	select {
	case <-opened:
		return got, failed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// isProtected reports whether an open file is one of the store's, or a graph.
func (a *app) isProtected(open os.FileInfo, graphs []string) bool {
	return slices.ContainsFunc(append(a.storeFiles(), graphs...), func(other string) bool {
		info, err := os.Stat(other)
		return err == nil && os.SameFile(open, info)
	})
}

// refuseStream is refuseTarget for a stream that was opened for this process.
func (a *app) refuseStream(name string, w io.Writer) error {
	if d, ok := w.(*dataWriter); ok {
		w = d.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err == nil && a.isProtected(info, nil) {
		return usagef("%s is redirected to a file of the store %s: redirect it elsewhere", name, a.db)
	}
	return nil
}

// sameFile reports whether two paths name one file, or would if it existed.
func sameFile(a, b string) bool {
	aInfo, aErr := os.Stat(a)
	bInfo, bErr := os.Stat(b)
	switch {
	case aErr == nil && bErr == nil:
		return os.SameFile(aInfo, bInfo)
	case aErr == nil || bErr == nil:
		return false
	}
	a, b = target(a), target(b)
	aInfo, aErr = os.Stat(filepath.Dir(a))
	bInfo, bErr = os.Stat(filepath.Dir(b))
	return aErr == nil && bErr == nil && os.SameFile(aInfo, bInfo) && strings.EqualFold(filepath.Base(a), filepath.Base(b))
}

// target follows links, also to a file that does not exist.
func target(path string) string {
	const most = 40
	for range most {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}
