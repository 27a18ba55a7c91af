package std

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

// process is a running program with its own process group and pipes.
//
// exec.Cmd's own pipes and WaitDelay are not used: they know one process, and
// a grandchild that holds a pipe would delay the node or be cut off without
// being ended. With plain files as its streams, Cmd.Wait waits for the process
// alone, and what happens to the group and the pipes is decided here.
type process struct {
	cmd     *exec.Cmd
	exited  chan struct{} // the program itself has ended, and ProcessState is set
	readers sync.WaitGroup
	ends    []*os.File // our ends of the pipes
}

// start starts the program. The error says why it could not be started.
func start(s *script, stdout, stderr io.Writer) (*process, error) {
	p := &process{exited: make(chan struct{}), cmd: &exec.Cmd{
		Path: s.path, Args: s.args, Env: s.env, Dir: s.dir, SysProcAttr: ownGroup(),
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
			p.close()
			return nil, err
		}
		p.ends, theirs, *out.file = append(p.ends, r), append(theirs, w), w
		p.readers.Go(func() { _, _ = io.Copy(out.to, r) }) // ends when the pipe is closed
	}
	if s.stdin != nil {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		p.ends, theirs, p.cmd.Stdin = append(p.ends, w), append(theirs, r), r
		go func() {
			_, _ = w.Write(s.stdin) // a program need not read its input
			_ = w.Close()
		}()
	}
	if err := p.cmd.Start(); err != nil {
		p.close()
		return nil, startError(s, err)
	}
	go func() {
		_ = p.cmd.Wait() // the outcome is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// startError names what is missing: the operating system says "no such file"
// for the program and the folder alike.
func startError(s *script, err error) error {
	if s.dir != "" {
		if info, e := os.Stat(s.dir); e != nil || !info.IsDir() {
			return fmt.Errorf("cannot start %q: %q is no folder", s.args[0], s.dir)
		}
	}
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("cannot start %q: %w", s.args[0], err)
}

// drained waits until all that was written is read, but no longer than d: a
// process outside the group may hold the pipe for ever.
func (p *process) drained(d time.Duration) {
	done := make(chan struct{})
	go func() { p.readers.Wait(); close(done) }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// close ends all reading and writing.
func (p *process) close() {
	for _, f := range p.ends {
		f.Close()
	}
	p.readers.Wait()
}

// end asks the group to end, and makes it end after a grace, or at once when there
// is a hurry.
func (p *process) end(grace time.Duration, hurry <-chan struct{}) {
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

// killAll kills what is left of the group and waits until it is gone.
func (p *process) killAll() {
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
