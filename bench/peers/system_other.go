//go:build !linux

package main

import (
	"os"
	"time"
)

// dataSync forces what was written to a file to disk.
func dataSync(f *os.File) error { return f.Sync() }

// processorTime is not known here.
func processorTime() time.Duration { return 0 }

// inMemory is not known here.
func inMemory(string) bool { return false }
