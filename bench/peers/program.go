package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program starts a program again and again, one after the other, and waits for its end.
// The programs were built into j.Bin.
func program(name string) side {
	return func(ctx context.Context, j job, m *meter) error {
		return m.fill(j, func(n int) error {
			for range n {
				out, err := exec.CommandContext(ctx, filepath.Join(j.Bin, name), "version").Output()
				if err != nil || len(out) == 0 {
					return fmt.Errorf("%q, %v", out, err)
				}
			}
			return nil
		})
	}
}

// bareProgram is the least that a Go program does when it starts.
const bareProgram = `package main

import "os"

func main() { os.Stdout.WriteString("bare\n") }
`

// build builds graphrun from the root of the repository, as it is released, and the bare
// program into a folder.
func build(ctx context.Context, root, into string) error {
	text := filepath.Join(into, "bare.go")
	if err := os.WriteFile(text, []byte(bareProgram), 0o600); err != nil {
		return err
	}
	for name, from := range map[string]string{"graphrun": "./cmd/graphrun", "bare": text} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(into, name), from)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", name, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
