package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"runtime/pprof"
)

var unfit = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// profileName is the path of the profiles of a side, without their ends. Each turn replaces
// the one before.
func profileName(folder string, t trial, side string) (string, error) {
	if folder == "" {
		return "", nil
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(folder, unfit.ReplaceAllString(t.name()+" "+side, "-")), nil
}

// profiled does the job of this process, and writes where its processor time went to
// NAME.cpu and what it allocated to NAME.allocs, for `go tool pprof`. Both have the warm-up
// too. The figures that were taken meanwhile are a little worse.
func profiled(name string, do func() (figures, error)) (f figures, err error) {
	goruntime.MemProfileRate = 64 << 10
	cpu, err := os.Create(name + ".cpu")
	if err != nil {
		return f, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return f, errors.Join(err, cpu.Close())
	}
	f, err = do()
	pprof.StopCPUProfile()
	allocs, aerr := os.Create(name + ".allocs")
	if aerr != nil {
		return f, errors.Join(err, aerr, cpu.Close())
	}
	return f, errors.Join(err, pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close(), cpu.Close())
}
