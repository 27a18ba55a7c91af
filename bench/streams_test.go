//go:build unix

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/serve"
)

const (
	streamStacks  = 300 // each with a cycle a second
	streamReaders = 200
	streamWindow  = 4 * time.Second
	streamRounds  = 3
)

// ticks has a cycle a second.
const ticks = `graphrun: 1
name: ticks
state: {n: {type: integer, reduce: sum}}
nodes:
  tick: {uses: set, with: {n: 1}, writes: {n: output.n}}
edges: [{to: tick}]
pause: 1s
`

// BenchmarkStreams says what open streams cost a server whose stacks finish 300 cycles a
// second: the share of a core that the process uses with 200 streams, less the share that it
// uses without them just before. Another process reads the streams.
func BenchmarkStreams(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s.db")
	store, err := boltstore.Open(path, boltstore.Options{Durability: runtime.DurabilityCycle})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	token, err := api.Token(path)
	if err != nil {
		b.Fatal(err)
	}
	port, err := serve.Listen("127.0.0.1:0", serve.ListenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	feeder := &started{}
	file := filepath.Join(filepath.Dir(path), "ticks.graphrun.yaml")
	if err := os.WriteFile(file, []byte(ticks), 0o600); err != nil {
		b.Fatal(err)
	}
	graphs, err := serve.LoadGraphs([]string{file}, std.Registry(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, end := context.WithCancel(b.Context())
	over := make(chan error, 1)
	go func() {
		over <- serve.Run(ctx, serve.Options{Path: path, Store: store, Kinds: std.Registry(), Graphs: graphs, Logger: slog.New(slog.DiscardHandler), Port: port, Observer: feeder})
	}()
	defer func() {
		end()
		if err := <-over; err != nil {
			b.Error(err)
		}
	}()
	rt := feeder.wait(b)
	g, _, ok := graphs.Graph("ticks")
	if !ok {
		b.Fatal("the graph is not served")
	}
	for i := range streamStacks {
		if _, err := rt.Start(ctx, g, runtime.StartOptions{ID: fmt.Sprintf("s%03d", i)}); err != nil {
			b.Fatal(err)
		}
		<-time.After(time.Second / streamStacks) // so that they do not tick together
	}
	for _, of := range []string{"dashboard", "stack", "records"} {
		b.Run(of, func(b *testing.B) {
			for b.Loop() {
				var more, before []float64
				lines := int64(0)
				for range streamRounds {
					without := coreShare()
					stop := readStreams(b, port.URL(), token, of)
					<-time.After(time.Second) // what was before has been sent
					more, before = append(more, 100*(coreShare()-without)), append(before, 100*without)
					lines += stop()
				}
				slices.Sort(more)
				slices.Sort(before)
				b.ReportMetric(more[streamRounds/2], "%-of-a-core")
				b.ReportMetric(before[streamRounds/2], "%-without")
				b.ReportMetric(float64(lines)/streamReaders/streamRounds, "events/stream")
			}
		})
	}
}

// coreShare is how much of a core this process uses, over a while.
func coreShare() float64 {
	used, begun := cpuTime(), time.Now()
	<-time.After(streamWindow)
	return (cpuTime() - used).Seconds() / time.Since(begun).Seconds()
}

// readStreams has another process read streams until stop is called, which says how many
// events came.
func readStreams(b *testing.B, base, token, of string) (stop func() int64) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestReadStreams$")
	cmd.Env = append(os.Environ(), "READ_STREAMS="+base+" "+token+" "+of)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	said := bufio.NewScanner(out)
	if !said.Scan() || said.Text() != "open" {
		b.Fatalf("the reader says %q", said.Text())
	}
	return func() (n int64) {
		_ = in.Close() // it ends then
		if said.Scan() {
			_, _ = fmt.Sscan(said.Text(), &n)
		}
		_ = cmd.Wait()
		return n
	}
}

// TestReadStreams is the other process: it reads streams until its input ends.
func TestReadStreams(t *testing.T) {
	what := strings.Fields(os.Getenv("READ_STREAMS"))
	if len(what) != 3 {
		t.Skip("only BenchmarkStreams runs this")
	}
	base, token, of := what[0], what[1], what[2]
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: streamReaders}}
	if of == "dashboard" {
		resp, err := client.PostForm(base+"/sign-in", url.Values{"token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	var lines atomic.Int64
	for i := range streamReaders {
		path := map[string]string{"dashboard": "/live", "stack": fmt.Sprintf("/v1/stacks/s%03d/records?follow", i), "records": "/v1/records?follow&from=now"}[of]
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, resp, err)
		}
		go func() {
			defer resp.Body.Close()
			buf := make([]byte, 64<<10)
			for {
				n, err := resp.Body.Read(buf)
				lines.Add(int64(strings.Count(string(buf[:n]), "\n\n")))
				if err != nil {
					return
				}
			}
		}()
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Println(lines.Load())
	os.Exit(0) // without the words of the test
}

// started gets the runtime of a server.
type started struct {
	rt atomic.Pointer[runtime.Runtime]
}

func (s *started) Attach(rt *runtime.Runtime) error { s.rt.Store(rt); return nil }
func (s *started) Close() error                     { return nil }

func (s *started) wait(b *testing.B) *runtime.Runtime {
	for range 1000 {
		if rt := s.rt.Load(); rt != nil {
			return rt
		}
		<-time.After(10 * time.Millisecond)
	}
	b.Fatal("the server does not start")
	return nil
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of oneself it does not fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
