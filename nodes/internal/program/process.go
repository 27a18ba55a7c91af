package program

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Process is a running program with its own process group and pipes.
//
// exec.Cmd's own pipes and WaitDelay are not used: they know one process, and
// a grandchild that holds a pipe would delay the node or be cut off without
// being ended. With plain files as its streams, Cmd.Wait waits for the process
// alone, and what happens to the group and the pipes is decided here.
type Process struct {
	cmd     *exec.Cmd
	exited  chan struct{} // the program itself has ended, and ProcessState is set
	readers sync.WaitGroup
	ends    []*os.File // our ends of the pipes
}

// Start starts the program. What it writes goes to stdout and stderr, which are called
// from a goroutine each. It reads stdin until its end; nil is nothing to read. Those that
// are an io.Closer are closed when nothing can come or go any more. The error says why
// the program could not be started.
func (c *Command) Start(stdin io.Reader, stdout, stderr io.Writer) (*Process, error) {
	p := &Process{exited: make(chan struct{}), cmd: &exec.Cmd{
		Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, SysProcAttr: ownGroup(),
	}}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	for _, out := range []struct {
		to   io.Writer
		file *io.Writer
	}{{stdout, &p.cmd.Stdout}, {stderr, &p.cmd.Stderr}} {
		r, w, err := os.Pipe()
		if err != nil {
			p.Close()
			return nil, err
		}
		p.ends, theirs, *out.file = append(p.ends, r), append(theirs, w), w
		p.readers.Go(func() {
			_, _ = io.Copy(out.to, r) // ends when the pipe is closed
			closeIt(out.to)
		})
	}
	if stdin != nil {
		r, w, err := os.Pipe()
		if err != nil {
			p.Close()
			return nil, err
		}
		p.ends, theirs, p.cmd.Stdin = append(p.ends, w), append(theirs, r), r
		go func() {
			_, _ = io.Copy(w, stdin) // a program need not read its input
			_ = w.Close()
			closeIt(stdin)
		}()
	}
	if err := p.cmd.Start(); err != nil {
		p.Close()
		return nil, startError(c, err)
	}
	go func() {
		_ = p.cmd.Wait() // the outcome is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

func closeIt(stream any) {
	if c, ok := stream.(io.Closer); ok {
		_ = c.Close()
	}
}

// startError names what is missing: the operating system says "no such file"
// for the program and the folder alike.
func startError(c *Command, err error) error {
	if c.Dir != "" {
		if info, e := os.Stat(c.Dir); e != nil || !info.IsDir() {
			return fmt.Errorf("cannot start %q: %q is no folder", c.Args[0], c.Dir)
		}
	}
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("cannot start %q: %w", c.Args[0], err)
}

// ID is the number of the process, and of its group.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Exited is closed when the program itself has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// State is how the program ended, once Exited is closed.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Drained waits until all that was written is read, but no longer than d: a
// process outside the group may hold the pipe for ever.
func (p *Process) Drained(d time.Duration) {
	done := make(chan struct{})
	go func() { p.readers.Wait(); close(done) }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// Close ends all reading and writing.
func (p *Process) Close() {
	for _, f := range p.ends {
		f.Close()
	}
	p.readers.Wait()
}

// End asks the group to end, and makes it end after a grace, or at once when there
// is a hurry.
func (p *Process) End(grace time.Duration, hurry <-chan struct{}) {
	p.terminate()
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	select {
	case <-p.exited:
	case <-deadline.C:
		return
	case <-hurry:
		return
	}
	// The program is gone; its children have the rest of the grace.
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for p.alive() {
		select {
		case <-look.C:
		case <-deadline.C:
			return
		case <-hurry:
			return
		}
	}
}

// killTime bounds the wait for a killed group: only one that hangs in the kernel
// takes longer.
const killTime = 2 * time.Second

// KillAll kills what is left of the group and waits until it is gone.
func (p *Process) KillAll() {
	if !p.kill() {
		return
	}
	deadline := time.NewTimer(killTime)
	defer deadline.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for p.alive() {
		select {
		case <-look.C:
		case <-deadline.C:
			return
		}
	}
}
