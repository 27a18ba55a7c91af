package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if text := os.Getenv(jobEnv); text != "" {
		if err := child(ctx, text, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	run     *regexp.Regexp
	turns   int
	each    time.Duration
	dir     string
	root    string
	profile string
	list    bool
}

func command(ctx context.Context, args []string, out, progress io.Writer) error {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(progress)
	run := f.String("run", "", "only the rows whose `work, class` matches this regular expression")
	f.IntVar(&o.turns, "turns", 5, "how often each side of a row is measured; some rows take fewer")
	f.DurationVar(&o.each, "for", 400*time.Millisecond, "how long a side is measured in a turn")
	f.StringVar(&o.dir, "dir", "", "a `folder` on the disk that is measured (default the one for temporary files)")
	f.StringVar(&o.root, "root", "../..", "the `folder` of the repository")
	f.StringVar(&o.profile, "profile", "", "a `folder` for profiles of each side, for go tool pprof")
	f.BoolVar(&o.list, "list", false, "only list the rows")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || o.turns < 1 || o.each <= 0 {
		return fmt.Errorf("want no arguments, at least one turn and some time: %q", args)
	}
	var err error
	if o.run, err = regexp.Compile(*run); err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	var list []trial
	for _, t := range trials() {
		if o.run.MatchString(t.name()) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("no row matches %q; -list shows them", *run)
	}
	if o.list {
		for _, t := range list {
			fmt.Fprintf(out, "%s: %s\n", t.name(), strings.Join(t.sides, ", "))
		}
		return nil
	}
	return o.measure(ctx, list, out, progress)
}

// measure measures all trials and prints the tables.
func (o options) measure(ctx context.Context, list []trial, out, progress io.Writer) error {
	dir, err := os.MkdirTemp(o.dir, "graphrun-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	var results []result
	for _, t := range list {
		fmt.Fprintf(progress, "%5.0f s  %s\n", time.Since(began).Seconds(), t.name())
		r, err := o.take(ctx, t, dir)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	printAll(out, results, machine(dir))
	fmt.Fprintf(progress, "%5.0f s  done\n", time.Since(began).Seconds())
	return nil
}
