package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/graphrun/graphrun/runtime/temporaldriver/e2e/cluster"
)

// options are the flags.
type options struct {
	stacks []int
	rounds int
	time   time.Duration // of one figure
	warm   time.Duration // before it
	pool   bool
	flags  []string // of the server
}

func main() {
	var o options
	stacks := flag.String("stacks", "1,10,100", "how many stacks run at the same time, `NUMBERS`")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.DurationVar(&o.time, "time", 10*time.Second, "how long each figure is measured")
	flag.DurationVar(&o.warm, "warm", 2*time.Second, "how long stacks run before")
	flag.BoolVar(&o.pool, "pool", false, "measure stacks with a declared pool too, which a limiter counts over all workers")
	server := flag.String("server", "", "more `FLAGS` of the server, as in \"-polls 100 -shards 1\"")
	flag.Parse()
	o.flags = strings.Fields(*server)
	for _, text := range strings.Split(*stacks, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "speed: %q is no number of stacks\n", text)
			os.Exit(2)
		}
		o.stacks = append(o.stacks, n)
	}
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt)
	defer end()
	all, err := measureAll(ctx, &o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
	fmt.Printf("%d cores, %s, %d rounds of %v; medians.\n\n", goruntime.NumCPU(), goruntime.Version(), o.rounds, o.time)
	fmt.Print(table(all))
}

// figure is one side with so many stacks, in one round.
type figure struct {
	side   string
	stacks int
	round  int
	rate   float64       // cycles a second, of all stacks together
	cpu    time.Duration // of processors, for a cycle; 0 if it is not known
}

// cycle is how long a cycle of one stack takes.
func (f *figure) cycle() time.Duration {
	return time.Duration(float64(f.stacks) / f.rate * float64(time.Second))
}

// measureAll measures everything, the sides one after the other in each round.
func measureAll(ctx context.Context, o *options) (all []figure, err error) {
	dir, err := os.MkdirTemp("", "graphrun-speed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program, err := cluster.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	sides := []side{{embeddedSide, embedded, false}, {driverSide, driver, true}, {handSide, byHand, true}}
	if o.pool {
		sides = append(sides, side{poolSide, pooled, true})
	}
	for round := range o.rounds {
		for _, n := range o.stacks {
			for _, s := range sides {
				f, err := measure(ctx, o, program, dir, s, n)
				if err != nil {
					return nil, fmt.Errorf("%s, %d stacks: %w", s.name, n, err)
				}
				f.round = round
				all = append(all, f)
				fmt.Fprintf(os.Stderr, "round %d, %d stacks, %s: %.1f cycles/s\n", round+1, n, s.name, f.rate)
			}
		}
	}
	return all, nil
}

// measure gives one figure.
func measure(ctx context.Context, o *options, program, dir string, s side, stacks int) (f figure, err error) {
	at, err := os.MkdirTemp(dir, "")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(at)
	place := place{dir: at}
	pid := 0
	if s.server {
		c, err := cluster.Start(ctx, cluster.Options{Program: program, Dir: at, Flags: o.flags, Log: os.Stderr})
		if err != nil {
			return f, err
		}
		defer c.Close()
		place.address, pid = c.Address(), c.Pid()
	}
	var cycles atomic.Int64
	stop, err := s.run(ctx, place, stacks, &cycles)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	pause := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for end := time.Now().Add(time.Minute); cycles.Load() < int64(stacks); {
		if time.Now().After(end) {
			return f, errors.New("nothing happens")
		}
		if err := pause(10 * time.Millisecond); err != nil {
			return f, err
		}
	}
	if err := pause(o.warm); err != nil {
		return f, err
	}
	began, before, used := time.Now(), cycles.Load(), processorTime(pid)
	if err := pause(o.time); err != nil {
		return f, err
	}
	took, done := time.Since(began), cycles.Load()-before
	if done == 0 {
		return f, errors.New("no cycle ended")
	}
	f = figure{side: s.name, stacks: stacks, rate: float64(done) / took.Seconds(), cpu: (processorTime(pid) - used) / time.Duration(done)}
	return f, nil
}
