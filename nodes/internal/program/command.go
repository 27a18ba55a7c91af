package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Command is a program to run.
type Command struct {
	Path string   // of the file, absolute
	Args []string // Args[0] is the program as it was written
	Env  []string // the whole environment; of several entries of a name the last counts
	Dir  string
}

// Inherited is all that a program gets of the engine's environment, which may
// hold what no program of a graph should see.
func Inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// KeyVariable is the variable with the idempotency key of the task that a program
// belongs to. What was left running is found by it.
const KeyVariable = "GRAPHRUN_KEY"

// StayVariable is the variable of a program that stays: STORE/NUMBER, of the store whose
// engine started it and of its own.
const StayVariable = "GRAPHRUN_STAY"

// Resolve is a path of the graph, relative to its folder.
func Resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Find finds the file to run: by its path, or in the engine's own PATH.
func Find(dir, name string) (string, error) {
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) {
		// Absolute, because the working folder of the program is another one.
		return filepath.Abs(Resolve(dir, name))
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("cannot start %q: %w", name, errors.Unwrap(err))
	}
	return filepath.Abs(path)
}
