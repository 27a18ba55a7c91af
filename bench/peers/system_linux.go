package main

import (
	"os"
	"syscall"
	"time"
)

// dataSync forces what was written to a file to disk, without what is not needed to read it.
func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// processorTime returns the time that processors have spent on this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// inMemory says that the files of a folder are on no disk, so that forcing them to disk
// costs nothing.
func inMemory(dir string) bool {
	const tmpfs = 0x01021994
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Type == tmpfs
}
