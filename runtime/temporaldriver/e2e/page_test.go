package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPage executes what docs/scale.md shows, with the program and a worker of it. A command is
// repeated until it prints what the page says, since a cluster takes its time; one that has done
// its work is not.
func TestPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```shell-session\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if len(shown) == 0 {
		t.Fatal("the page shows nothing")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "graphs"), os.DirFS("../../../graphs")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "graphrun-temporal"), "./cmd/graphrun-temporal")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := append(os.Environ(), "NO_COLOR=1", "PATH="+dir+":"+os.Getenv("PATH"), "TEMPORAL_ADDRESS="+ownCluster(t).Address())
	worker := exec.CommandContext(t.Context(), filepath.Join(dir, "graphrun-temporal"), "worker", "--blobs", filepath.Join(dir, "blobs"))
	worker.Env = env
	said, err := worker.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	})
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), "stacks and tasks are taken") {
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	for _, part := range strings.Split("\n"+shown[0][1], "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		var got string
		for end := time.Now().Add(time.Minute); ; <-time.After(200 * time.Millisecond) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
			cmd.Dir, cmd.Env = dir, env
			out, err := cmd.CombinedOutput()
			if got = string(out); prints(want, got) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("$ %s\n%s(%v)\nwant\n%s", command, got, err, want)
			}
		}
	}
}

// prints reports whether an output is what the page shows; a line `…` stands for any lines.
func prints(want, got string) bool {
	trimmed := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			lines = append(lines, strings.TrimRight(line, " \n"))
		}
		return strings.TrimSpace(strings.Join(lines, "\n"))
	}
	got = trimmed(got)
	beginning, rest, open := strings.Cut(trimmed(want), "\n…")
	if !open {
		return got == beginning
	}
	return rest == "" && strings.HasPrefix(got, beginning)
}
