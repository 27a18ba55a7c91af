package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/inspect"
)

// glance is how often files that are watched are looked at.
const glance = 200 * time.Millisecond

// checkWatch refuses flags that are about running: --watch runs nothing.
func checkWatch(cmd *cobra.Command, file string) error {
	for _, name := range []string{"stack", "cycles", "once", "until-idle", "parallel", "durability", "trace", "record", "replay", "grace"} {
		if cmd.Flags().Changed(name) {
			return usagef("--watch runs nothing, so --%s says nothing: give one of them", name)
		}
	}
	if file == "-" {
		return usagef("--watch: expected a file, standard input does not change")
	}
	return nil
}

// watchGraph checks a graph and plans its first cycle, again whenever one of its files has
// changed, until ctx ends.
func (a *app) watchGraph(ctx context.Context, file string, f runFlags) error {
	w := &watcher{app: a, wraps: true}
	files, seen := []string{file}, ""
	for {
		if now := stampOf(files); now != seen {
			text, read, err := a.checkAndPlan(ctx, file, f)
			if err != nil {
				return err
			}
			// A broken graph does not name all its files: those of before are watched further.
			read = append(read, files...)
			slices.Sort(read)
			read = slices.Compact(read)
			// A change while it was read shows at the next glance.
			if seen = now; !slices.Equal(read, files) {
				files, seen = read, stampOf(read)
			}
			if !bytes.Equal(text, w.shown) {
				w.shown = text
				if err := w.print(); err != nil {
					return err
				}
			}
		}
		next := time.NewTimer(glance)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return nil
		}
	}
}

// stampOf differs when one of the files has changed, has come or is gone.
func stampOf(files []string) string {
	stamp := ""
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			stamp += fmt.Sprint(name, info.ModTime().UnixNano(), info.Size())
		}
		stamp += "\n"
	}
	return stamp
}

// checkAndPlan gives what validate and plan say, and the files that they read.
func (a *app) checkAndPlan(ctx context.Context, file string, f runFlags) (text []byte, files []string, err error) {
	src, problems := a.read(file)
	problems.Sort()
	files = slices.Collect(maps.Keys(src.Files))
	if src.Graph != nil {
		files = append(files, scriptsOf(src.Graph)...)
	}
	var b bytes.Buffer
	quiet := *a
	quiet.out, quiet.err = &dataWriter{w: &b}, &b
	if a.json() {
		err = quiet.watchedJSON(ctx, file, f, problems, src.Files)
		return b.Bytes(), files, err
	}
	if err := diag.Render(&b, problems, src.Files, diag.Options{Color: a.color(a.out)}); err != nil {
		return nil, files, err
	}
	if !problems.HasErrors() {
		p, err := quiet.planOf(ctx, file, f.params, f.sets)
		if err == nil {
			err = quiet.printPlan(p)
		}
		quiet.exit(err)
	}
	return b.Bytes(), files, nil
}

// watchedJSON prints one object a change: that of validate, with the plan or why there is none.
func (a *app) watchedJSON(ctx context.Context, file string, f runFlags, problems diag.List, sources map[string][]byte) error {
	var said bytes.Buffer
	if err := diag.JSON(&said, problems, sources, false); err != nil {
		return err
	}
	var told struct {
		Valid       bool            `json:"valid"`
		Diagnostics json.RawMessage `json:"diagnostics"`
		Plan        *inspect.Plan   `json:"plan"`
		Error       string          `json:"error,omitempty"`
	}
	if err := json.Unmarshal(said.Bytes(), &told); err != nil {
		return err
	}
	if told.Valid {
		p, err := a.planOf(ctx, file, f.params, f.sets)
		var wrong *exitError
		switch {
		case errors.As(err, &wrong) && wrong.err == nil: // it was broken a moment later
		case err != nil:
			told.Error = messageOf(err.Error())
		default:
			told.Plan = &p
		}
	}
	return a.printJSON(told)
}
