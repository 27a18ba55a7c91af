package temporaldriver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/files"
)

// A wait for files needs a worker that looks: an activity that returns when there are news. All
// workers of a task queue have to see the same folders.

// lookEvery is the time between two looks.
const lookEvery = time.Second

// wanted is what one wait wants.
type wanted struct {
	ID      string        `json:"id"`
	Pattern string        `json:"pattern"`
	Settle  time.Duration `json:"settle"`
}

// lookInput is what an activity is to look for.
type lookInput struct {
	Stack string   `json:"stack"`
	Hash  string   `json:"hash"` // of the graph, whose folder relative patterns begin in
	Files []wanted `json:"files"`
}

// lookResult has, by pattern, the files that were there when one of them was new.
type lookResult struct {
	Seen map[string][]seenFile `json:"seen"`
}

type seenFile struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Since    time.Time `json:"since"`
}

// watch has an activity look for the files that the stack waits for.
func (s *stack) watch() {
	var want []wanted
	if !s.cursor.Status.Ended() && !s.drains {
		for i := range s.cursor.Waiting {
			if w := &s.cursor.Waiting[i]; w.Files != "" && !w.Answered {
				want = append(want, wanted{w.ID(), w.Files, w.Settle})
			}
		}
	}
	slices.SortFunc(want, func(a, b wanted) int { return strings.Compare(a.ID, b.ID) })
	if slices.Equal(want, s.files) {
		return
	}
	if s.looking != nil {
		s.looking()
		s.looking = nil
	}
	if s.files = want; len(want) == 0 {
		return
	}
	ctx, cancel := workflow.WithCancel(s.ctx)
	s.looking = cancel
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: forever, HeartbeatTimeout: s.w.o.Heartbeat,
		RetryPolicy: &temporal.RetryPolicy{MaximumInterval: time.Minute}, Summary: "files",
	})
	done := workflow.ExecuteActivity(ctx, watchType, lookInput{s.name, s.cursor.Hash, want})
	workflow.Go(s.ctx, func(here workflow.Context) {
		var r lookResult
		err := done.Get(here, &r)
		if ctx.Err() != nil {
			return // another one looks, or nobody has to
		}
		s.looking, s.files = nil, nil // the next decision has one look again
		if err != nil {
			workflow.GetLogger(here).Error("nobody looks for the files of a wait", "error", err)
		}
		s.post(letter{in: func(at time.Time) (all []machine.Input) {
			for _, pattern := range slices.Sorted(maps.Keys(r.Seen)) {
				in := machine.Files{At: at, Pattern: pattern}
				for _, f := range r.Seen[pattern] {
					in.Seen = append(in.Seen, machine.File{Path: f.Path, Size: f.Size, Modified: f.Modified, Since: f.Since})
				}
				all = append(all, in)
			}
			return all
		}})
	})
}

// look is the activity that looks for files, and returns when there is a new one.
func (w *Worker) look(ctx context.Context, in lookInput) (lookResult, error) {
	def, err := w.definition(ctx, in.Stack, in.Hash)
	if err != nil {
		return lookResult{}, err
	}
	patterns := map[string]graph.PathPattern{}
	told := make([]*files.Told, len(in.Files))
	for i, f := range in.Files {
		told[i] = files.Tell(f.Settle)
		if patterns[f.Pattern], err = graph.ParsePathPattern(f.Pattern); err != nil {
			return lookResult{}, temporal.NewNonRetryableApplicationError(fmt.Sprintf("pattern %q: %v", f.Pattern, err), failureConfig, err)
		}
	}
	before := map[string]map[string]machine.File{}
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		r := lookResult{Seen: map[string][]seenFile{}}
		now := time.Now().UTC()
		for text, pattern := range patterns { // in any order: each is its own
			found, _ := files.Find(def.g.Dir, pattern, files.MaxEntries)
			files.Date(found, before[text], now)
			before[text] = found
			for i, f := range in.Files {
				if f.Pattern == text && told[i].Take(found, now) {
					r.Seen[text] = nil
				}
			}
			if _, news := r.Seen[text]; news {
				for _, path := range slices.Sorted(maps.Keys(found)) {
					f := found[path]
					r.Seen[text] = append(r.Seen[text], seenFile{f.Path, f.Size, f.Modified, f.Since})
				}
			}
		}
		if len(r.Seen) > 0 {
			return r, nil
		}
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return lookResult{}, ctx.Err()
		case <-every.C:
		case <-activity.GetWorkerStopChannel(ctx):
			return lookResult{}, fmt.Errorf("the worker stops")
		}
	}
}
