//go:build !linux

package commitlog

func (f systemFile) force() error { return f.Sync() }
