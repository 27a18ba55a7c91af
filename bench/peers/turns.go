package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// jobEnv holds the job of a process that measures: each side of each turn has a process of
// its own, so none inherits the heap, the files or the caches of another one.
const jobEnv = "GRAPHRUN_BENCH_JOB"

// child does the job of this process and prints its figures.
func child(ctx context.Context, text string, out io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	run := func() (figures, error) { return do(ctx, j) }
	if j.Profile != "" {
		work := run
		run = func() (figures, error) { return profiled(j.Profile, work) }
	}
	f, err := run()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(f)
}

// result is what the sides of a trial did, by side and turn.
type result struct {
	trial
	work  *work
	turns map[string][]figures
}

// name is the work and the class of a trial, and how large it is.
func (t trial) name() string {
	s := t.job.Work
	if t.job.Cycles > 0 {
		s = fmt.Sprintf("%s %s × %d cycles", thousands(float64(t.job.Stacks)), s, t.job.Cycles)
	}
	if t.job.Class != "" {
		s += ", " + t.job.Class
	}
	return s
}

// take lets the sides of a trial take turns.
func (o options) take(ctx context.Context, t trial, dir string) (result, error) {
	r := result{trial: t, work: works()[t.job.Work], turns: map[string][]figures{}}
	j := t.job
	j.Bytes = commitBytes
	if j.For == 0 {
		j.For = o.each
	}
	if j.Work == starting {
		j.Bin = filepath.Join(dir, "bin")
		if err := os.MkdirAll(j.Bin, 0o700); err != nil {
			return r, err
		}
		if err := build(ctx, o.root, j.Bin); err != nil {
			return r, err
		}
	}
	turns := o.turns
	if t.turns > 0 {
		turns = min(turns, t.turns)
	}
	for turn := range turns {
		sides := slices.Clone(t.sides)
		if turn%2 == 1 {
			slices.Reverse(sides) // none is always the one after the same other one
		}
		for _, s := range sides {
			j.Side, j.Dir = s, filepath.Join(dir, "files")
			if err := os.Mkdir(j.Dir, 0o700); err != nil {
				return r, err
			}
			var err error
			if j.Profile, err = profileName(o.profile, t, s); err != nil {
				return r, err
			}
			f, err := process(ctx, j)
			if err != nil {
				return r, err
			}
			if err := os.RemoveAll(j.Dir); err != nil {
				return r, err
			}
			r.turns[s] = append(r.turns[s], f)
		}
	}
	return r, nil
}

// process lets a process do a job.
func process(ctx context.Context, j job) (f figures, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return f, err
	}
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env, cmd.Stderr = append(os.Environ(), jobEnv+"="+string(text)), &stderr
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("%s, %s, %s: %w: %s", j.Work, j.Class, j.Side, err, stderr.Bytes())
	}
	return f, json.Unmarshal(out, &f)
}
