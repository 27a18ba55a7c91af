//go:build unix

package std

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/graphrun/graphrun/nodes"
)

// childVariable makes the test binary a program to run: its value says which.
const childVariable = "STD_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		os.Exit(child(what))
	}
	os.Exit(m.Run())
}

// child is what a program of the tests does; the result is its exit code.
func child(what string) int {
	name, arg, _ := strings.Cut(what, " ")
	switch name {
	case "args":
		fmt.Printf("%q", os.Args[1:])
	case "env":
		env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, childVariable+"=") })
		slices.Sort(env)
		fmt.Printf("%q", env)
	case "dir":
		dir, _ := os.Getwd()
		fmt.Print(dir)
	case "cat":
		io.Copy(os.Stdout, os.Stdin)
	case "print":
		text, _ := strconv.Unquote(arg)
		fmt.Print(text)
	case "exit":
		code, _ := strconv.Atoi(arg)
		fmt.Fprintln(os.Stderr, "reading plan")
		fmt.Fprintln(os.Stderr, "no such plan")
		return code
	case "noise":
		io.Copy(os.Stderr, io.LimitReader(noise{}, 1<<20))
		fmt.Fprint(os.Stderr, "\nthe end \xff\n")
		return 1
	case "signal":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "flood":
		io.Copy(os.Stdout, io.LimitReader(noise{}, 100<<20))
	case "hang": // until somebody ends it
		tell(arg)
		forever()
	case "stubborn": // ignores TERM
		signal.Ignore(syscall.SIGTERM)
		tell(arg)
		forever()
	case "silent": // closes its output and keeps running
		os.Stdout.Close()
		os.Stderr.Close()
		tell(arg)
		forever()
	case "parent": // leaves a stubborn grandchild that holds the pipes
		startGrandchild("stubborn "+arg, false)
		fmt.Print(`"left one behind"`)
	case "parent-hangs":
		startGrandchild("stubborn "+arg, false)
		forever()
	case "stays":
		staying(arg)
	case "starved": // runs a program without descriptors, for the time that arg says
		starve(arg)
	case "daemon": // leaves a grandchild in another session that holds the pipes
		startGrandchild("hang "+arg, true)
		fmt.Print(`"left one behind"`)
	}
	return 0
}

// noise is endless text.
type noise struct{}

func (noise) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// forever blocks until a signal ends the process.
func forever() { io.Copy(io.Discard, blockingPipe()) }

func blockingPipe() io.Reader {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	fds = append(fds, w) // or the garbage collector would close it
	return r
}

var fds []*os.File

// tell writes the process id through a FIFO: it is read once the child is what
// it is meant to be.
func tell(fifo string) {
	if fifo == "" {
		return
	}
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	fmt.Fprint(f, os.Getpid())
	f.Close()
}

func startGrandchild(what string, ownSession bool) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+what)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// task is an attempt that runs the test binary as child what.
func task(t *testing.T, what string, more map[string]any) nodes.Task {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	with := map[string]any{"command": []any{exe}, "env": map[string]any{childVariable: what}}
	for k, v := range more {
		with[k] = v
	}
	return nodes.Task{
		Stack: "s", Graph: "g", Cycle: 2, Wave: 3, Node: "n", Item: "i", Attempt: 4,
		Key: "key of " + t.Name(), With: with, Dir: t.TempDir(),
	}
}

// run runs a task with short times of grace.
func run(ctx context.Context, t nodes.Task) (nodes.Result, *nodes.Error) {
	s := execKind(nil)
	s.Node = quick
	return nodes.Run(ctx, s, t)
}

// fifo makes a FIFO; pid waits for the process id that a child writes there.
func fifo(t *testing.T) (path string, pid func() int) {
	t.Helper()
	path = t.TempDir() + "/pid"
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() int {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}
