//go:build unix

package boltstore

import (
	"os"
	"syscall"
)

// stopSignal halts a process without ending it.
var stopSignal os.Signal = syscall.SIGSTOP
