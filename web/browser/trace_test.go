package browser

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// span is something that a thread of the browser did, as its trace has it. Times are in µs.
type span struct {
	Name      string  `json:"name"`
	Process   int     `json:"pid"`
	Thread    int     `json:"tid"`
	At        float64 `json:"ts"`
	Took      float64 `json:"dur"`
	Processor float64 `json:"tdur"` // of Took, how long it had a processor
	Args      struct {
		Name string `json:"name"`
	} `json:"args"`
}

// watched is how long the page's script, styles and painting held its main thread up.
type watched struct {
	Longest   time.Duration // one task, by the clock
	Processor time.Duration // one task, without the time in which other programs had the processor
	Painted   time.Duration // all work until the first paint, in the same way; 0 without one
}

// watch looks at the page's main thread until what it returns is called. A machine that does
// other work stretches times by the clock, and not those of the processor.
func (p *page) watch(name string) func() watched {
	p.t.Helper()
	var mu sync.Mutex
	var texts [][]byte
	complete := make(chan struct{})
	ctx, cancel := context.WithCancel(p.ctx)
	chromedp.ListenTarget(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *tracing.EventDataCollected:
			mu.Lock()
			defer mu.Unlock()
			for _, text := range ev.Value {
				texts = append(texts, text)
			}
		case *tracing.EventTracingComplete:
			close(complete)
		}
	})
	wanted := &tracing.TraceConfig{IncludedCategories: []string{"disabled-by-default-devtools.timeline", "devtools.timeline", "loading", "__metadata"}, ExcludedCategories: []string{"*"}}
	p.do(tracing.Start().WithTransferMode(tracing.TransferModeReportEvents).WithTraceConfig(wanted))
	return func() watched {
		p.t.Helper()
		defer cancel()
		p.do(tracing.End())
		select {
		case <-complete:
		case <-ctx.Done():
			p.t.Fatal("the trace never ended")
		}
		mu.Lock()
		defer mu.Unlock()
		p.keepTrace(name, texts)
		spans := make([]span, 0, len(texts))
		for _, text := range texts {
			var s span
			if json.Unmarshal(text, &s) == nil { // some have arguments of another form
				spans = append(spans, s)
			}
		}
		return mainThread(spans)
	}
}

// mainThread sums up the busiest of the main threads, which is that of the page.
func mainThread(spans []span) (most watched) {
	type thread struct{ process, id int }
	tasks := map[thread][]span{}
	for _, s := range spans {
		if s.Name == "thread_name" && s.Args.Name == "CrRendererMain" {
			tasks[thread{s.Process, s.Thread}] = nil
		}
	}
	painted := map[thread]float64{}
	for _, s := range spans {
		at := thread{s.Process, s.Thread}
		if _, ok := tasks[at]; !ok {
			continue
		}
		switch s.Name {
		case "RunTask":
			tasks[at] = append(tasks[at], s)
		case "firstContentfulPaint":
			painted[at] = s.At
		}
	}
	busiest := 0.0
	us := func(x float64) time.Duration { return time.Duration(x * float64(time.Microsecond)) }
	for at, list := range tasks {
		var one watched
		sum := 0.0
		for _, s := range list {
			sum += s.Processor
			one.Longest, one.Processor = max(one.Longest, us(s.Took)), max(one.Processor, us(s.Processor))
			if s.At < painted[at] {
				one.Painted += us(s.Processor)
			}
		}
		if one.Painted = max(one.Painted, most.Painted); sum > busiest {
			busiest, most = sum, one
		}
		most.Painted = one.Painted
	}
	return most
}

// keepTrace keeps a trace, as the tools of a browser read it, in the folder that TRACE names,
// if it does.
func (p *page) keepTrace(name string, texts [][]byte) {
	dir := os.Getenv("TRACE")
	if dir == "" {
		return
	}
	all := make([]json.RawMessage, 0, len(texts))
	for _, text := range texts {
		all = append(all, text)
	}
	b, err := json.Marshal(map[string]any{"traceEvents": all})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".json"), b, 0o600)
	}
	if err != nil {
		p.t.Log("no trace: ", err)
	}
}
