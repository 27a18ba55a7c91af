//go:build unix

package program

import "syscall"

// ownGroup puts the program at the head of a process group of its own, so that
// its children can be ended with it.
//
// Pdeathsig is left alone: the kernel sends it when the thread that started
// the program ends, not the process, and a Go program that locks goroutines to
// threads ends threads. A program that is killed for no reason is worse than
// one that outlives a crashed engine and is ended before its node runs again.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func (p *Process) terminate() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) }

// kill ends what is left of the group, and returns false if there was nothing. The
// number is still ours when the program has ended: the kernel gives it to no
// other process while a member of the group lives, and hands numbers out in
// turn, so that a free one does not come back at once.
func (p *Process) kill() bool { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) == nil }

// alive reports whether the group still has a member that runs.
func (p *Process) alive() bool {
	return syscall.Kill(-p.cmd.Process.Pid, 0) == nil && groupRuns(p.cmd.Process.Pid)
}
