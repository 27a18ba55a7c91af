package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWatchRedraws: on a terminal a view that is watched stands in one place, and what has
// changed is written over it.
func TestWatchRedraws(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	graph := "graphrun: 1\nname: g\nnodes: {ask: {uses: approval, with: {prompt: Well?}}}\nlimits: {cycles: 9}\n"
	if err := os.WriteFile(filepath.Join(dir, "g.yaml"), []byte(graph), 0o600); err != nil {
		t.Fatal(err)
	}
	must := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "graphrun", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("graphrun %v: %v\n%s", args, err, out)
		}
	}
	must("start", "g.yaml", "--stack", "one")
	ps, status := onTerminal(t, dir, "ps", "--watch"), onTerminal(t, dir, "status", "one", "--watch")
	ps.until(`(?m)\ASTACK .*\none +g +running .*$`)
	status.until(`(?m)\Aone: running`)
	must("start", "g.yaml", "--stack", "two")
	must("pause", "one")
	ps.until(`(?m)\ASTACK .*\none +g +paused .*\ntwo +g +running .*$`)
	status.until(`(?m)\Aone: paused`)
	must("cancel", "one")
	must("rm", "one")
	ps.until(`(?m)\ASTACK .*\ntwo +g +running [^\n]*\n*\z`)
	ps.interrupt()
}

// terminal is a program on a terminal of its own, and what it shows.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	pieces chan []byte
	screen screenText
}

func onTerminal(t *testing.T, dir string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal can be opened: %v", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be opened: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "graphrun", args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, slave, slave, slave
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	s := &terminal{t: t, cmd: cmd, pieces: make(chan []byte)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(s.pieces)
		for {
			b := make([]byte, 4096)
			n, err := master.Read(b)
			if err != nil {
				return
			}
			select {
			case s.pieces <- b[:n]:
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = master.Close()
	})
	return s
}

// until reads until the screen matches.
func (s *terminal) until(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(time.Minute)
	for !re.MatchString(s.screen.String()) {
		select {
		case b, ok := <-s.pieces:
			if !ok {
				s.t.Fatalf("the program has ended; the screen, which should match %s:\n%s", pattern, s.screen.String())
			}
			s.screen.write(b)
		case <-late:
			s.t.Fatalf("the screen never matched %s:\n%s", pattern, s.screen.String())
		}
	}
}

// interrupt ends the program as Ctrl-C does.
func (s *terminal) interrupt() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	for b := range s.pieces {
		s.screen.write(b)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("an interrupt of --watch gives %v", err)
	}
}

// screenText is a terminal of any height, as far as frames need one.
type screenText struct {
	lines    [][]byte
	row, col int
	rest     []byte
}

var control = regexp.MustCompile(`\A\x1b\[(\??[0-9;]*)([A-Za-z])`)

func (s *screenText) write(b []byte) {
	b = append(s.rest, b...)
	s.rest = nil
	for len(b) > 0 {
		for len(s.lines) <= s.row {
			s.lines = append(s.lines, nil)
		}
		switch m := control.FindSubmatch(b); {
		case m != nil:
			n, _ := strconv.Atoi(string(m[1]))
			line := s.lines[s.row]
			switch m[2][0] {
			case 'A':
				s.row = max(0, s.row-max(1, n))
			case 'J':
				s.lines = s.lines[:s.row+1]
				s.lines[s.row] = line[:min(s.col, len(line))]
			case 'K':
				s.lines[s.row] = line[:min(s.col, len(line))]
			}
			b = b[len(m[0]):]
			continue
		case b[0] == '\x1b':
			s.rest = bytes.Clone(b) // the end of it is yet to come
			return
		case b[0] == '\r':
			s.col = 0
		case b[0] == '\n':
			s.row++
		default:
			line := s.lines[s.row]
			for len(line) <= s.col {
				line = append(line, ' ')
			}
			line[s.col] = b[0]
			s.lines[s.row] = line
			s.col++
		}
		b = b[1:]
	}
}

func (s *screenText) String() string {
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return b.String()
}
