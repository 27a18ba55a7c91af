package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/openai"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// crowdEnv is the provider's address of a process that is a crowd of agents.
const crowdEnv = "BENCH_CROWD"

func TestMain(m *testing.M) {
	if url := os.Getenv(crowdEnv); url != "" {
		if err := crowd(url); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// prompt is a model that answers at once. The last of its answers is a text; those before
// call a tool, or ask to continue.
type prompt struct {
	turns int
	calls bool // those before the last one call a tool
}

func (m prompt) Ask(_ context.Context, q *agent.Request, _ func(string)) (*agent.Response, error) {
	res := &agent.Response{Stop: agent.StopEnd, Usage: agent.Usage{Input: 1000, Output: 20, Reported: true}, Message: agent.Message{Content: "What there is to say."}}
	switch {
	case q.Turn >= m.turns:
	case m.calls:
		res.Message.Calls = []agent.Call{{Name: "look", Args: map[string]any{"path": "a.txt"}}}
	default:
		res.Stop = agent.StopPause
	}
	return res, nil
}

func agentKinds(tb testing.TB, m agent.Model) *nodes.Registry {
	tb.Helper()
	kinds, err := kindsWith(m)
	if err != nil {
		tb.Fatal(err)
	}
	return kinds
}

func kindsWith(m agent.Model) (*nodes.Registry, error) {
	a := agent.New(agent.Config{})
	if err := a.Register("openai", openai.New); err != nil {
		return nil, err
	}
	if err := a.Register("prompt", func(agent.ProviderConfig) (agent.Model, error) { return m, nil }); err != nil {
		return nil, err
	}
	kinds := std.Registry()
	return kinds, kinds.Register(a.Spec())
}

func agentGraph(tb testing.TB, kinds *nodes.Registry, text string) *graph.Graph {
	tb.Helper()
	src, problems := dsl.Compile("g.yaml", []byte(text), kinds)
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	return src.Graph
}

const turnsText = `graphrun: 1
name: turns
providers: {p: {api: prompt}}
tools: {look: {description: Looks., args: {type: object, properties: {path: string}}, uses: set, with: {found: "${{ args.path }}"}, effects: none}}
state: {said: string?}
nodes:
  a: {uses: agent, with: {model: p/m, instructions: Be brief., input: Look at it., tools: [look], max_turns: 1000, max_calls: 1000, budget: {tokens: 100000000}}, writes: {said: output}}
edges: [{to: a, when: state.said == nil}]
stop: [{when: state.said != nil}]
pause: none
`

// counting counts the commits of a store and the bytes of their records.
type counting struct {
	runtime.Store
	commits, bytes atomic.Int64
}

func (s *counting) Commit(ctx context.Context, c runtime.Commit) error {
	s.commits.Add(1)
	for r := range journal.EachRecord(c.Records) {
		s.bytes.Add(int64(len(journal.AppendRecord(nil, r, true))))
	}
	return s.Store.Commit(ctx, c)
}

// BenchmarkAgentTurn is the engine's own part of a turn: the model answers at once. bare is
// one bbolt Update that writes the bytes of a step, as often as a turn commits.
func BenchmarkAgentTurn(b *testing.B) {
	const turns = 200
	for _, calls := range []bool{false, true} {
		name := "answers"
		if calls {
			name = "answers and calls"
		}
		kinds := agentKinds(b, prompt{turns, calls})
		g := agentGraph(b, kinds, turnsText)
		run := func(b *testing.B, s runtime.Store) {
			rt, err := runtime.Open(b.Context(), runtime.Config{Store: s, Kinds: kinds})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				n++
				stack, err := rt.Start(b.Context(), g, runtime.StartOptions{ID: fmt.Sprint("s", n)})
				if err != nil {
					b.Fatal(err)
				}
				if r, err := stack.Wait(b.Context()); err != nil || r.State["said"] == nil {
					b.Fatal(err, r)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*turns), "µs/turn")
			if err := rt.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/memory", func(b *testing.B) { b.ReportAllocs(); run(b, memstore.New()) })
		for _, d := range []runtime.Durability{runtime.DurabilityNone, runtime.DurabilityWave} {
			commits, size := 1.0, 500.0
			b.Run(name+"/"+string(d), func(b *testing.B) {
				file, err := boltstore.Open(filepath.Join(b.TempDir(), "s.db"), boltstore.Options{Durability: d})
				if err != nil {
					b.Fatal(err)
				}
				s := &counting{Store: file}
				run(b, s)
				commits = float64(s.commits.Load()) / float64(b.N*turns)
				size = float64(s.bytes.Load()) / float64(s.commits.Load())
				b.ReportMetric(commits, "commits/turn")
				b.ReportMetric(size*commits, "B/turn")
				_ = file.Close()
			})
			b.Run(name+"/"+string(d)+" bare", func(b *testing.B) {
				db, err := bolt.Open(filepath.Join(b.TempDir(), "b.db"), 0o600, &bolt.Options{NoSync: d == runtime.DurabilityNone, NoFreelistSync: true})
				if err != nil {
					b.Fatal(err)
				}
				defer db.Close()
				n := uint64(0)
				for b.Loop() {
					for range int(commits*turns + 0.5) {
						if err := db.Update(func(tx *bolt.Tx) error {
							bucket, err := tx.CreateBucketIfNotExists([]byte("b"))
							if err != nil {
								return err
							}
							n++
							return bucket.Put(fmt.Appendf(nil, "%020d", n), make([]byte, int(size)))
						}); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*turns), "µs/turn")
			})
		}
	}
}

// BenchmarkFirstDelta measures from the moment at which a provider sends the first piece of
// an answer to the one at which a viewer has it: a listener of the feed, and a client of
// the stream of events.
func BenchmarkFirstDelta(b *testing.B) {
	for _, name := range []string{"feed", "events"} {
		b.Run(name, func(b *testing.B) {
			var sent atomic.Int64
			var watched atomic.Pointer[chan struct{}] // closed when the viewer is there
			srv := agenttest.Start(agenttest.Reply{Text: "one two three", Before: func(_ context.Context, i int) {
				if i == 1 { // the first event of chat completions has the role alone
					<-*watched.Load()
					sent.CompareAndSwap(0, time.Now().UnixNano())
				}
			}}.Always())
			defer srv.Close()
			kinds := agentKinds(b, prompt{})
			g := agentGraph(b, kinds, strings.Replace(turnsText, "{api: prompt}", `{api: openai, base_url: "`+srv.OpenAI()+`"}`, 1))
			store := memstore.New()
			rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: kinds})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = rt.Close(context.Background()) }()
			web := httptest.NewServer(api.New(api.Local(rt), api.Options{Store: store, Kinds: kinds, Door: api.Door{Trusted: true}}))
			defer web.Close()
			var took []time.Duration
			n := 0
			for b.Loop() {
				sent.Store(0)
				here := make(chan struct{})
				watched.Store(&here)
				n++
				id := fmt.Sprint("s", n)
				seen := make(chan time.Duration, 1)
				note := func() {
					if at := sent.Load(); at != 0 {
						select {
						case seen <- time.Duration(time.Now().UnixNano() - at):
						default:
						}
					}
				}
				stop := func() {}
				if name == "feed" {
					stop = rt.Feed().OnDelta(id, func(feed.Delta) { note() })
				}
				s, err := rt.Start(b.Context(), g, runtime.StartOptions{ID: id})
				if err != nil {
					b.Fatal(err)
				}
				if name == "events" {
					stop = watch(b, web.URL, id, note)
				}
				close(here)
				select {
				case d := <-seen:
					took = append(took, d)
				case <-time.After(time.Second): // the stream began too late to have any
				}
				if _, err := s.Wait(b.Context()); err != nil {
					b.Fatal(err)
				}
				stop()
			}
			if len(took) == 0 {
				b.Fatal("no viewer saw a delta")
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-median")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
		})
	}
}

// watch calls note for the first delta in the stream of events of a stack.
func watch(b *testing.B, url, id string, note func()) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/stacks/"+id+"/records?follow=true", nil)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp, err)
	}
	var done sync.WaitGroup
	began := make(chan struct{})
	done.Go(func() {
		defer resp.Body.Close()
		var once sync.Once
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if strings.Contains(lines.Text(), "task.started") {
				once.Do(func() { close(began) })
			}
			if strings.HasPrefix(lines.Text(), "event: delta") {
				note()
			}
		}
	})
	<-began // the records so far are there
	return func() { cancel(); done.Wait() }
}

const crowded = 1000

// BenchmarkCrowd is a process with 1,000 agents, all of them in the middle of an answer at
// the same moment. MB-most is the most memory that it had, its files included.
func BenchmarkCrowd(b *testing.B) {
	for b.Loop() {
		var in atomic.Int64
		all := make(chan struct{})
		srv := agenttest.Start(agenttest.Reply{Text: strings.Repeat("a word and another ", 20), Before: func(ctx context.Context, i int) {
			if i != 10 {
				return
			}
			if in.Add(1) == crowded {
				close(all)
			}
			select {
			case <-all:
			case <-ctx.Done():
			}
		}}.Always())
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crowdEnv+"="+srv.OpenAI())
		out, err := cmd.CombinedOutput()
		srv.Close()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		var most float64
		if _, err := fmt.Sscan(string(out), &most); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(most/1e3, "MB-most")
	}
}

// crowd is the main function of the process of BenchmarkCrowd.
func crowd(url string) error {
	ctx := context.Background()
	kinds, err := kindsWith(prompt{})
	if err != nil {
		return err
	}
	text := strings.Replace(turnsText, "{api: prompt}", `{api: openai, base_url: "`+url+`"}`, 1) + fmt.Sprintf("pools: {default: {parallel: %d}}\n", crowded)
	src, problems := dsl.Compile("g.yaml", []byte(text), kinds)
	if err := problems.Err(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "crowd")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := boltstore.Open(filepath.Join(dir, "s.db"), boltstore.Options{Durability: runtime.DurabilityNone})
	if err != nil {
		return err
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		return err
	}
	var stacks []*runtime.Stack
	for i := range crowded {
		s, err := rt.Start(ctx, src.Graph, runtime.StartOptions{ID: fmt.Sprint("s", i)})
		if err != nil {
			return err
		}
		stacks = append(stacks, s)
	}
	for _, s := range stacks {
		r, err := s.Wait(ctx)
		if err != nil || r.State["said"] == nil {
			return fmt.Errorf("%v: %v", r.State, err)
		}
	}
	fmt.Println(mostMemory())
	if err := rt.Close(ctx); err != nil {
		return err
	}
	return store.Close()
}

// mostMemory is the most resident memory that the process has had, in kB.
func mostMemory() (kb int64) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &kb)
		}
	}
	return kb
}

// BenchmarkConversation is one more turn of a conversation that is state: a cycle with an
// agent of one question, on disk.
func BenchmarkConversation(b *testing.B) {
	kinds := agentKinds(b, prompt{1, false})
	for _, tokens := range []string{"", "8000"} {
		for _, n := range []int{100, 10_000} {
			b.Run(fmt.Sprintf("messages=%d/tokens=%s", n, tokens), func(b *testing.B) {
				from := `"${{ state.talk }}"`
				if tokens != "" {
					from = `{from: "${{ state.talk }}", tokens: ` + tokens + `}`
				}
				g := agentGraph(b, kinds, `graphrun: 1
name: talk
providers: {p: {api: prompt}}
state: {talk: {type: list(AgentMessage), reduce: append}}
nodes:
  a: {uses: agent, with: {model: p/m, input: One more., messages: `+from+`, budget: {tokens: 100000000}}, writes: {talk: messages}}
edges: [{to: a}]
pause: none
history: {cycles: 100}
`)
				var talk []any
				for i := range n {
					talk = append(talk, map[string]any{"role": []string{"user", "assistant"}[i%2], "content": "What was said before, in a sentence or two.", "calls": []any{}})
				}
				file, err := boltstore.Open(filepath.Join(b.TempDir(), "s.db"), boltstore.Options{Durability: runtime.DurabilityNone})
				if err != nil {
					b.Fatal(err)
				}
				s := &counting{Store: file}
				rt, err := runtime.Open(b.Context(), runtime.Config{Store: s, Kinds: kinds})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				cycles := 0
				if err := func() error {
					first, err := rt.Start(b.Context(), g, runtime.StartOptions{ID: "s", State: map[string]any{"talk": talk}, StopAfter: runtime.StopAfter{Cycles: 3}})
					if err != nil {
						return err
					}
					if _, err := first.Wait(b.Context()); err != nil {
						return err
					}
					s.commits.Store(0)
					s.bytes.Store(0)
					b.ResetTimer()
					cycles = b.N
					next, err := rt.Resume(b.Context(), "s", runtime.ResumeOptions{StopAfter: runtime.StopAfter{Cycles: b.N}})
					if err != nil {
						return err
					}
					_, err = next.Wait(b.Context())
					return err
				}(); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				b.ReportMetric(float64(s.commits.Load())/float64(cycles), "commits/op")
				b.ReportMetric(float64(s.bytes.Load())/float64(cycles), "record-B/op")
				_ = rt.Close(context.Background())
				_ = file.Close()
			})
		}
	}
}
