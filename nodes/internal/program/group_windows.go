package program

import "syscall"

// Windows has no process groups and no TERM: the program itself is ended, its
// children are not.
func ownGroup() *syscall.SysProcAttr { return nil }

func (p *Process) terminate() { p.cmd.Process.Kill() }

func (p *Process) kill() bool { return p.cmd.Process.Kill() == nil }

func (p *Process) alive() bool { return false }
