package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// process is a graphrun in a folder of its own.
type process struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
}

// start writes files into a new folder and begins a command there. Its standard
// error goes to the file `stderr`. It is gone when the test ends.
func start(t *testing.T, files map[string]string, command ...string) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir()}
	for name, text := range files {
		p.write(name, text)
	}
	p.begin(command...)
	return p
}

func (p *process) begin(command ...string) {
	p.t.Helper()
	errFile, err := os.Create(filepath.Join(p.dir, "stderr"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer errFile.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stderr = p.dir, errFile
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	p.cmd = cmd
}

func (p *process) write(name, text string) {
	p.t.Helper()
	name = filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// read gives nothing for a file that is not there yet.
func (p *process) read(name string) string {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.t.Fatal(err)
	}
	return string(b)
}

// until waits for something to become true. A look that takes long, as with a command, is
// rarer: else on two cores those who wait would keep the others from working.
func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		began := time.Now()
		if ok() {
			return
		}
		select {
		case <-time.After(max(10*time.Millisecond, time.Since(began))):
		case <-deadline:
			p.t.Fatalf("in vain: %s; stderr has:\n%s", what, p.read("stderr"))
		}
	}
}

// await waits until a file holds a text.
func (p *process) await(name, text string) {
	p.t.Helper()
	p.until(name+" gets "+text, func() bool { return strings.Contains(p.read(name), text) })
}

// graphrun runs another command in the same folder.
func (p *process) graphrun(args ...string) (output string, code int) {
	p.t.Helper()
	cmd := exec.Command("graphrun", args...)
	cmd.Dir = p.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return out.String() + errs.String(), cmd.ProcessState.ExitCode()
}

// must is graphrun for what has to succeed.
func (p *process) must(args ...string) string {
	p.t.Helper()
	out, code := p.graphrun(args...)
	if code != 0 {
		p.t.Fatalf("%q: exit code %d\n%s\nstderr has:\n%s", args, code, out, p.read("stderr"))
	}
	return out
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait gives the exit code; -1 for a process that a signal ended.
func (p *process) wait() int {
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}
