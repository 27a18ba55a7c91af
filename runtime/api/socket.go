package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"time"
)

// maxSocketPath is what the smallest of the systems takes for a unix socket.
const maxSocketPath = 103

// openFolders: the system has no permission bits to look at.
const openFolders = goruntime.GOOS == "windows"

// SocketPath is where the owner of a store listens. When that path is too long
// for a socket, notePath names another.
func SocketPath(db string) string { return db + ".sock" }

// notePath is a file that holds the path of a socket in a temporary folder.
func notePath(db string) string { return SocketPath(db) + ".path" }

// Files lists what an owner's API keeps beside a store. Some of them may not exist.
func Files(db string) []string {
	return []string{SocketPath(db), notePath(db), TokenPath(db), TokensPath(db)}
}

func dirOf(path string) string { return filepath.Dir(path) }

// ListenOwner opens the control socket of a store. Only its owner may call it:
// a socket that is there is that of a dead one, and is replaced. The socket
// can be connected to by nobody but its owner from its first moment on, since
// it is made in a private folder. Close removes it.
func ListenOwner(db string) (net.Listener, error) {
	path := SocketPath(db)
	removeSocket(db)
	if len(path) > maxSocketPath {
		return listenElsewhere(db)
	}
	private, err := os.MkdirTemp(dirOf(path), filepath.Base(path)+"-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(private)
	made := filepath.Join(private, "s")
	if len(made) > maxSocketPath {
		return listenElsewhere(db)
	}
	l, err := listenPrivately(made)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(made, path); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(made))
	}
	return &ownerListener{Listener: l, remove: func() { _ = os.Remove(path) }}, nil
}

// ServeOwner opens the control socket of a store and answers on it until stop is
// called. Only the owner of the store may call it. broken is called with the error
// that ends it before; the error returned is that of opening the socket.
func ServeOwner(db string, h *Handler, broken func(error)) (stop func(), err error) {
	l, err := ListenOwner(db)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := Serve(ctx, l, h); err != nil {
			broken(err)
		}
	}()
	return func() {
		end()
		<-over
		_ = l.Close() // it is closed already, or broke
	}, nil
}

// listenElsewhere takes a short path in a private temporary folder, and notes
// it beside the store.
func listenElsewhere(db string) (net.Listener, error) {
	dir, err := os.MkdirTemp("", "graphrun-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "s")
	l, err := listenPrivately(path)
	if err == nil {
		if err = os.WriteFile(notePath(db), []byte(path+"\n"), 0o600); err != nil {
			_ = l.Close() // the error at hand says more
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &ownerListener{Listener: l, remove: func() {
		_ = os.Remove(notePath(db))
		_ = os.RemoveAll(dir)
	}}, nil
}

func listenPrivately(path string) (net.Listener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it is not there any more, or removed with more
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

type ownerListener struct {
	net.Listener
	remove func()
}

func (l *ownerListener) Close() error {
	err := l.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil // a second time: the path may be another owner's by now
	}
	l.remove()
	return err
}

// removeSocket clears away what a dead owner left.
func removeSocket(db string) {
	_ = os.Remove(SocketPath(db))
	if path, err := notedSocket(db); err == nil {
		_ = os.Remove(path)
		_ = os.Remove(dirOf(path)) // unless there is anything else in it
	}
	_ = os.Remove(notePath(db))
	// A crash between the folder and the socket's name.
	left, _ := filepath.Glob(SocketPath(db) + "-*") // a path with a malformed pattern in it: nothing of worth is left
	for _, dir := range left {
		_ = os.Remove(filepath.Join(dir, "s"))
		_ = os.Remove(dir) // unless there is anything else in it
	}
}

// notedSocket reads where the owner listens instead. Only a path of the form
// that listenElsewhere makes counts: what it names is going to be removed.
func notedSocket(db string) (string, error) {
	b, err := os.ReadFile(notePath(db))
	if err != nil {
		return "", err
	}
	path := strings.TrimSpace(string(b))
	if !filepath.IsAbs(path) || filepath.Base(path) != "s" || !strings.HasPrefix(filepath.Base(dirOf(path)), "graphrun-") {
		return "", fmt.Errorf("%s names no socket", notePath(db))
	}
	return path, nil
}

// ErrNoOwner says that no process answers at the control socket of a store.
var ErrNoOwner = errors.New("api: nobody owns the store")

// ErrSilent says that the owner of a store does not answer: it is suspended or stuck.
var ErrSilent = errors.New("api: the owner of the store does not answer")

// dialTimeout is plenty for a socket of this machine, answerTimeout for the
// first answer of a process that is busy.
const (
	dialTimeout   = 2 * time.Second
	answerTimeout = 5 * time.Second
)

// DialOwner connects to the owner of a store and makes sure that it answers.
// ErrNoOwner when there is none, ErrSilent when it does not.
func DialOwner(ctx context.Context, db string) (*Client, error) {
	path := SocketPath(db)
	if noted, err := notedSocket(db); err == nil {
		path = noted
	}
	if len(path) > maxSocketPath {
		return nil, ErrNoOwner
	}
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close() // it was only to see that somebody listens
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the control socket %s is out of reach: %w", path, fs.ErrPermission)
	default:
		return nil, ErrNoOwner
	}
	c := newClient("http://graphrun", "", func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", path)
	})
	if err := c.greet(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// greet waits for a first answer. The system takes connections for a process
// that is suspended, too.
func (c *Client) greet(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err := c.call(soon, http.MethodGet, "/health", nil, nil)
	var answer *Error
	switch {
	case err == nil, errors.As(err, &answer):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case soon.Err() != nil:
		return ErrSilent
	}
	return ErrNoOwner // it has just ended
}
