package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/graphrun/graphrun/runtime/api"
)

// How often a view that is watched looks again, at least and at most. In between, a look
// that takes long is rarer, so that watching takes a tenth of one core at most.
const (
	firstGlance = 500 * time.Millisecond
	lastGlance  = 30 * time.Second
)

func watchFlag(cmd *cobra.Command, watch *bool) {
	cmd.Flags().BoolVarP(watch, "watch", "w", false, "show it again when it changes, until Ctrl-C")
}

// look prints a view once, with a client of the store; over says that it will not change
// any more.
type look func(ctx context.Context, a *app, c *api.Client) (over bool, err error)

// show prints a view, with watch again and again: on a terminal in place of the last one,
// and elsewhere below it, when it has changed. An interrupt is the usual end of that.
func (a *app) show(ctx context.Context, watch bool, f look) error {
	once := func(a *app) (over bool, err error) {
		err = a.through(ctx, func(c *api.Client) error {
			over, err = f(ctx, a, c)
			return err
		})
		return over, err
	}
	if !watch {
		_, err := once(a)
		return err
	}
	w := &watcher{app: a}
	for {
		began := time.Now()
		over, err := w.look(ctx, once)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || over {
			return err
		}
		next := time.NewTimer(min(max(firstGlance, 10*time.Since(began)), lastGlance))
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return nil
		}
	}
}

// watcher shows a view again when it has changed.
type watcher struct {
	app   *app
	shown []byte
	frame *frame    // of a terminal
	wraps bool      // long lines are continued there, not cut
	idle  bool      // nobody owned the store at the last look
	at    time.Time // when the store's file had changed at that look
}

// look shows the view if it has changed. A store that nobody owns is opened again only
// when its file has changed: others may need it.
func (w *watcher) look(ctx context.Context, once func(*app) (bool, error)) (over bool, err error) {
	owned := true
	if w.app.inFile() {
		c, err := api.DialOwner(ctx, w.app.db)
		if owned = err == nil; owned {
			_ = c.Close() // only whether there is one
		}
		if nobody := errors.Is(err, api.ErrNoOwner); nobody && w.idle && w.changed().Equal(w.at) {
			return false, nil
		}
	}
	var b bytes.Buffer
	quiet := *w.app
	quiet.out = &dataWriter{w: &b}
	over, err = once(&quiet)
	if w.idle = !owned; w.idle {
		w.at = w.changed()
	}
	if err != nil || bytes.Equal(b.Bytes(), w.shown) {
		return over, err
	}
	w.shown = b.Bytes()
	return over, w.print()
}

func (w *watcher) changed() time.Time {
	info, err := os.Stat(w.app.db)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// print writes the view that is to be shown now.
func (w *watcher) print() error {
	f, ok := w.app.out.w.(*os.File)
	if !ok || w.app.json() || !isTerminal(f) || os.Getenv("TERM") == "dumb" {
		_, err := w.app.out.Write(w.shown)
		return err
	}
	if w.frame == nil {
		w.frame = &frame{w: w.app.out}
	}
	columns, lines, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		columns, lines = 80, 24
	}
	w.frame.below("", w.rows(columns, lines), columns)
	return w.app.out.err
}

// rows are the lines for a terminal of so many columns and lines.
func (w *watcher) rows(columns, lines int) []string {
	text := strings.TrimSuffix(string(w.shown), "\n")
	if w.wraps {
		text = lipgloss.Wrap(text, max(1, columns-1), "")
	}
	rows := strings.Split(text, "\n")
	if most := max(1, lines-2); len(rows) > most {
		rows = append(rows[:most-1], plural(len(rows)-most+1, "more line"))
	}
	return rows
}
