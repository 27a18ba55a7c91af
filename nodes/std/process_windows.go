package std

import "syscall"

// Windows has no process groups and no TERM: the program itself is ended, its
// children are not.
func ownGroup() *syscall.SysProcAttr { return nil }

func (p *process) terminate() { p.cmd.Process.Kill() }

func (p *process) kill() bool { return p.cmd.Process.Kill() == nil }

func (p *process) alive() bool { return false }
