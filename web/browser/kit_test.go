package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	engine "github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/serve"
)

// chromium is the browser. Without one, and outside of `make browser`, a test is skipped,
// and says so.
func chromium(t *testing.T) string {
	t.Helper()
	if os.Getenv("BROWSER") == "" {
		t.Skip("SKIPPED: it needs a browser, which `make browser` brings")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("SKIPPED: there is no chromium")
	return ""
}

// server is a server of graphs in a folder, which can end and begin again.
type server struct {
	dir, path, addr, url string
	store                engine.Store
	kinds                *nodes.Registry
	client               *api.Client // of its control socket
	end                  func()
	asked                atomic.Pointer[[]api.Provider] // what the providers of models were asked; nil is nothing
}

// newServer serves graphs, whose texts are given, until the test ends.
func newServer(t *testing.T, graphs ...string) *server {
	t.Helper()
	return newServerOf(t, std.Registry(), graphs...)
}

// newServerOf is newServer with other kinds.
func newServerOf(t *testing.T, kinds *nodes.Registry, graphs ...string) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), store: memstore.New(), addr: "127.0.0.1:0", kinds: kinds}
	s.path = filepath.Join(s.dir, "s.db")
	for i, text := range graphs {
		if err := os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("g%d.graphrun.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.begin(t)
	t.Cleanup(func() { s.end() })
	return s
}

// begin starts the server, on the port that it had before.
func (s *server) begin(t *testing.T) {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	loaded, err := serve.LoadGraphs([]string{s.dir}, s.kinds, silent)
	if err != nil {
		t.Fatal(err)
	}
	port, err := serve.Listen(s.addr, serve.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.url = port.Addr().String(), port.URL()
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() {
		over <- serve.Run(ctx, serve.Options{Path: s.path, Store: s.store, Kinds: s.kinds, Graphs: loaded, Logger: silent, Port: port, ReadStep: readStep, Socket: api.Options{Providers: s.providers}})
	}()
	for {
		if s.client, err = api.DialOwner(t.Context(), s.path); err == nil {
			break
		}
		if !errors.Is(err, api.ErrNoOwner) {
			t.Fatal(err)
		}
		select {
		case err := <-over:
			t.Fatal("the server ended: ", err)
		default:
		}
	}
	s.end = sync.OnceFunc(func() {
		_ = s.client.Close() // it is the server that is asked whether all is well
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

func (s *server) providers() []api.Provider {
	if all := s.asked.Load(); all != nil {
		return *all
	}
	return nil
}

func (s *server) start(t *testing.T, graph, stack string, params map[string]any) {
	t.Helper()
	if _, err := s.client.Start(t.Context(), api.StartRequest{Graph: graph, Stack: stack, Params: params}); err != nil {
		t.Fatal(err)
	}
}

// page is a tab of a browser.
type page struct {
	t   *testing.T
	s   *server
	ctx context.Context

	mu     sync.Mutex
	faults []string
}

// look is how a browser looks at the pages.
type look struct {
	width, height int64
	dark          bool
}

// open is a tab that is signed in by a one-time link. At the end of the test it must have
// had no error in its console.
func (s *server) open(t *testing.T, l look) *page {
	t.Helper()
	p := s.openSignedOut(t, l)
	link, err := s.client.Link(t.Context())
	for err != nil { // the socket is there before the port
		var e *api.Error
		if !errors.As(err, &e) || e.Code != api.CodeConflict {
			t.Fatal(err)
		}
		link, err = s.client.Link(t.Context())
	}
	p.do(chromedp.Navigate(link.URL), chromedp.WaitVisible("#main", chromedp.ByQuery))
	return p
}

func (s *server) openSignedOut(t *testing.T, l look) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU)
	all, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(all)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	p := &page{t: t, s: s, ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			p.fault(ev.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if ev.Entry.Level == log.LevelError {
				p.fault(ev.Entry.Text + " " + ev.Entry.URL)
			}
		}
	})
	if l.width == 0 {
		l.width, l.height = 1280, 900
	}
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	p.do(log.Enable(), chromedp.EmulateViewport(l.width, l.height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.faults {
			t.Error("the browser says: ", f)
		}
	})
	return p
}

func (p *page) fault(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, text)
}

// forgive drops the faults that contain a text: those that the test provokes.
func (p *page) forgive(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
	for _, f := range p.faults {
		if !strings.Contains(f, text) {
			left = append(left, f)
		}
	}
	p.faults = left
}

func (p *page) do(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
		p.t.Fatal(err)
	}
}

// visit shows a page of the server.
func (p *page) visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.s.url+path), chromedp.WaitVisible("#main", chromedp.ByQuery))
}

// until waits until an expression of the page is true, also over navigations.
func (p *page) until(expression string) {
	p.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(20 * time.Second)
	for {
		var ok bool
		err := chromedp.Run(p.ctx, chromedp.Evaluate("!!("+expression+")", &ok))
		if ok && err == nil {
			return
		}
		select {
		case <-again.C:
		case <-late:
			p.shoot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
			p.t.Fatalf("%s never held: %v", expression, err)
		}
	}
}

// text waits until an element has a text in it.
func (p *page) text(selector, want string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`(document.querySelector(%q)?.textContent ?? "").includes(%q)`, selector, want))
}

// value is what an expression of the page gives.
func value[T any](p *page, expression string) (out T) {
	p.t.Helper()
	p.do(chromedp.Evaluate(expression, &out, awaited))
	return out
}

// shoot keeps a picture of the whole page in the folder that SHOTS names, if it does.
func (p *page) shoot(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	var png []byte
	// What is far below is not painted before somebody comes near it.
	whole := chromedp.Evaluate(`for (const e of document.querySelectorAll("main > [data-part]")) e.style.contentVisibility = "visible"`, nil)
	if err := chromedp.Run(p.ctx, whole, chromedp.FullScreenshot(&png, 100)); err != nil {
		p.t.Log("no picture: ", err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		p.t.Log("no picture: ", err)
	}
}

// jsNumber writes a whole number.
func jsNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// awaited has an evaluation wait for its promise.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
