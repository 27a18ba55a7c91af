package cli

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/graphrun/graphrun/graph/value"
)

// Main runs graphrun with the arguments and the streams of the process, and returns the exit
// code. release is the version of a release build; "" is that of the source. Call it once.
func Main(release string) int {
	p := graphrun
	p.Version = release
	return p.Main()
}

// run is graphrun: arguments without its name in, the exit code out.
func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	return graphrun.Run(ctx, args, in, out, err)
}

// Main runs the program with the arguments and the streams of the process, and returns the exit
// code. Call it once.
func (p *Program) Main() int {
	// What libraries say past every logger, as net/http of a server that answers without
	// being asked, would tear the view and reach no log.
	log.SetOutput(io.Discard)
	if p.Version != "" {
		version = p.Version
	}
	return p.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Run is the program as a function: arguments without its name in, the exit code out.
func (p *Program) Run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	data := &dataWriter{w: out}
	a := &app{program: p, in: in, out: data, err: err}
	ctx, stop := a.obeySignals(ctx)
	defer stop()
	for i, arg := range args {
		if err := value.CheckText(arg); err != nil {
			return a.exit(usagef("argument %d (%q): %v", i+1, arg, err))
		}
	}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(data)
	root.SetErr(err)
	failure := root.ExecuteContext(ctx)
	return a.exit(data.check(failure))
}

// lastMoment is how long a process that was interrupted twice may take to cut
// its tasks off.
const lastMoment = time.Second

// obeySignals cancels the context at the first SIGINT or SIGTERM, which ends
// commands after a clean checkpoint. A second one ends app.hurry too: tasks are
// cut off, so that their programs do not outlive the process. What has not
// ended after lastMoment, or at a third signal, is left behind as a crash would
// leave it, and the store is made for that.
func (a *app) obeySignals(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	hurry, hurryUp := context.WithCancel(context.WithoutCancel(ctx))
	a.hurry = hurry
	last := &atomic.Pointer[func()]{}
	a.lastly = last
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		var late <-chan time.Time
		for {
			select {
			case got := <-signals:
				switch {
				case ctx.Err() == nil:
					cancel(&signalError{got})
					continue
				case late == nil:
					hurryUp()
					late = time.After(lastMoment)
					continue
				}
			case <-late:
			case <-over:
				return
			}
			if isTerminal(a.err) {
				_, _ = io.WriteString(a.err, showCursor)
			}
			if rest := last.Load(); rest != nil {
				(*rest)()
			}
			os.Exit(exitInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		cancel(nil)
		hurryUp()
	}
}

// onLastMoment has f called when the process is about to end without its commands, at a
// third signal.
func (a *app) onLastMoment(f func()) {
	if a.lastly != nil {
		a.lastly.Store(&f)
	}
}

// survivePipes makes writes to a pipe that nobody reads any more fail, until stop is
// called. The system would end the process, and leave the programs of its tasks
// behind.
func survivePipes() (stop func()) {
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE) // ignoring it would be inherited by programs
	return func() { signal.Stop(broken) }
}

// signalError is why the context of an interrupted command ended.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return "interrupted by " + e.signal.String() }
