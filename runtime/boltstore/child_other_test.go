//go:build !unix

package boltstore

import "os"

// stopSignal is nil: nothing halts a process here without ending it.
var stopSignal os.Signal
