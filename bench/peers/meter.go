package main

import (
	"fmt"
	"os"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"time"
)

// figures are what one side of a row did in one turn.
type figures struct {
	Cycles   int           // what was done, the same for all sides of a row
	NodeRuns int           // by the engine's own count, or by the functions that ran
	Commits  int           // by which it became durable
	Took     time.Duration // until all of it was acknowledged
	CPU      time.Duration // of the processors, meanwhile
	Written  int64         // bytes passed to write calls, until the store was closed
	Allocs   int64         // in all
	Bytes    int64         // allocated, in all
	Anon     int64         // the most anonymous memory of the process, in bytes; 0 when not watched
	State    string        // of one stack at the end, as JSON with sorted keys
	Log      int64         // bytes of a log that was read at opening
}

// meter takes the figures of a turn. Between begin and end is what is timed; closed is
// called when everything is on its way to the disk.
type meter struct {
	figures
	commits atomic.Int64
	at      time.Time
	cpu     time.Duration
	wrote   int64
	mem     goruntime.MemStats
	stop    chan struct{}
	stopped chan struct{}
}

// watch looks for the most anonymous memory from now on.
func (m *meter) watch() {
	m.stop, m.stopped = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(m.stopped)
		tick := time.NewTicker(20 * time.Millisecond) // a look takes a tenth of a millisecond
		defer tick.Stop()
		for {
			m.Anon = max(m.Anon, anonymous())
			select {
			case <-tick.C:
			case <-m.stop:
				return
			}
		}
	}()
}

func (m *meter) begin() {
	goruntime.GC()
	goruntime.ReadMemStats(&m.mem)
	m.commits.Store(0)
	m.wrote, m.cpu, m.at = written(), processorTime(), time.Now()
}

func (m *meter) end() {
	m.Took, m.CPU = time.Since(m.at), processorTime()-m.cpu
	var now goruntime.MemStats
	goruntime.ReadMemStats(&now)
	m.Allocs, m.Bytes = int64(now.Mallocs-m.mem.Mallocs), int64(now.TotalAlloc-m.mem.TotalAlloc)
	m.Commits = int(m.commits.Load())
	if m.stop != nil {
		close(m.stop)
		<-m.stopped
	}
}

func (m *meter) closed() { m.Written = written() - m.wrote }

// written returns how many bytes this process has passed to write calls, or 0 where the
// system does not count them.
func written() int64 { return procNumber("/proc/self/io", "wchar:") }

// anonymous returns the resident memory of this process that is not mapped from a file, in
// bytes, or 0 where it is not known.
func anonymous() int64 { return 1024 * procNumber("/proc/self/status", "RssAnon:") }

func procNumber(file, name string) (n int64) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), name)
	_, _ = fmt.Sscan(rest, &n)
	return n
}

// fill runs a warm-up and then, measured, as many cycles as fit into the time, or exactly
// j.Cycles. run does n more cycles.
func (m *meter) fill(j job, run func(n int) error) error {
	n := j.Cycles
	if n == 0 {
		if err := run(5); err != nil { // what only the first cycles do is not measured
			return err
		}
	}
	for warm := 10; n == 0; warm *= 2 {
		began := time.Now()
		if err := run(warm); err != nil {
			return err
		}
		if took := time.Since(began); took > j.For/5 {
			n = max(1, int(float64(warm)*float64(j.For)/float64(took)))
		}
	}
	m.begin()
	err := run(n)
	m.end()
	m.Cycles = n
	return err
}
