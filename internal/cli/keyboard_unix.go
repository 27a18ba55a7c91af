//go:build linux || darwin || freebsd || netbsd || openbsd

package cli

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// keyboard is the terminal that standard input is. While it listens, keys come at once and
// are not shown; Ctrl-C and Ctrl-Z do what they always do.
type keyboard struct {
	fd     int
	mu     sync.Mutex    // the last moment comes from another goroutine
	before *unix.Termios // nil while it does not listen
}

// keyboardOf is nil where standard input is no terminal.
func keyboardOf(in any) *keyboard {
	f, ok := in.(*os.File)
	if !ok || !isTerminal(f) {
		return nil
	}
	return &keyboard{fd: int(f.Fd())}
}

// foreground reports whether keys of the terminal are for this process: in the background
// the system would stop it for asking.
func (k *keyboard) foreground() bool {
	group, err := unix.IoctlGetInt(k.fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (k *keyboard) pressed() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.foreground() {
		k.before = nil // whoever has the terminal now sets it
		return nil
	}
	fresh := k.before == nil
	if fresh && !k.listen() {
		return nil
	}
	keys := make([]byte, 64)
	n, err := unix.Read(k.fd, keys)
	if err != nil || n <= 0 || fresh {
		return nil
	}
	return keys[:n]
}

// listen has reads return at once with what there is. What was typed before is dropped.
func (k *keyboard) listen() bool {
	now, err := unix.IoctlGetTermios(k.fd, readTermios)
	if err != nil {
		return false
	}
	set := *now
	set.Lflag &^= unix.ICANON | unix.ECHO
	set.Cc[unix.VMIN], set.Cc[unix.VTIME] = 0, 0
	if unix.IoctlSetTermios(k.fd, flushTermios, &set) != nil {
		return false
	}
	k.before = now
	return true
}

func (k *keyboard) rest() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.before != nil && k.foreground() {
		_ = unix.IoctlSetTermios(k.fd, flushTermios, k.before)
	}
	k.before = nil
}
