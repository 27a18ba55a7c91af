//go:build darwin || freebsd || netbsd || openbsd

package cli

import "golang.org/x/sys/unix"

// Reading the settings of a terminal, and setting them without what was typed before.
const (
	readTermios  = unix.TIOCGETA
	flushTermios = unix.TIOCSETAF
)
