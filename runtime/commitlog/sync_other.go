//go:build !linux

package commitlog

import "os"

// force brings the data of a file to disk.
func force(f *os.File) error { return f.Sync() }
