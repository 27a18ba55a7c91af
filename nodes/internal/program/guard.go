package program

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
)

// Guard ends process groups when this process dies, however it dies: also by KILL, which
// lets it do nothing itself. A small shell waits for the end of a pipe that only this
// process holds open. Programs that run for as long as the engine, and ignore the end of
// their input, would else outlive it. It is safe for concurrent use; a nil Guard guards
// nothing.
type Guard struct {
	cmd *exec.Cmd

	mu sync.Mutex
	to io.WriteCloser
}

// guardScript keeps the list of groups. Signals that are meant for the engine's own group
// do not end it: it ends with the engine.
const guardScript = `trap '' HUP INT TERM
live=
while read -r op group; do
	left=
	for g in $live; do [ "$g" = "$group" ] || left="$left $g"; done
	live=$left
	[ "$op" = + ] && live="$live $group"
done
[ -n "$live" ] || exit 0
for g in $live; do kill -TERM -"$g"; done
sleep 2
for g in $live; do kill -KILL -"$g"; done
`

// NewGuard starts a guard. Where there is no /bin/sh, or no process group, it fails.
func NewGuard() (*Guard, error) {
	group := ownGroup()
	if group == nil {
		return nil, exec.ErrNotFound
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	g := &Guard{to: w, cmd: &exec.Cmd{
		Path: "/bin/sh", Args: []string{"sh", "-c", guardScript}, Env: []string{"PATH=/usr/bin:/bin"},
		Dir: "/", Stdin: r, SysProcAttr: group,
	}}
	if err := g.cmd.Start(); err != nil {
		_ = w.Close()
		return nil, err
	}
	return g, nil
}

// Add puts a group under guard.
func (g *Guard) Add(group int) { g.say("+", group) }

// Remove takes a group out again. Do so before its number may belong to others.
func (g *Guard) Remove(group int) { g.say("-", group) }

func (g *Guard) say(op string, group int) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = io.WriteString(g.to, op+" "+strconv.Itoa(group)+"\n") // a guard that somebody ended guards nothing
}

// Close ends the guard, and what it still guards.
func (g *Guard) Close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	_ = g.to.Close()
	g.mu.Unlock()
	_ = g.cmd.Wait()
}
