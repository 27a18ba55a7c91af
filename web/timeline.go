package web

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// shownTasks bounds the rows of a timeline, and allTasks those of a whole one.
const (
	shownTasks = 40
	allTasks   = 1000
)

// timeline is when the tasks of a cycle waited and ran.
type timeline struct {
	Began, Ended time.Time // Ended is now while the cycle is open
	Rows         []timelineRow
	More         int // tasks that are left out
	Waves        []timelineMark
}

// timelineMark is the beginning of a wave.
type timelineMark struct {
	Wave uint64
	At   time.Time
}

// timelineRow is a task.
type timelineRow struct {
	Task     string
	Wave     uint64
	Attempts int
	Status   string // running, waiting, succeeded or failed
	Error    string
	Took     time.Duration // from the wave's start
	Bars     []timelineBar
}

// timelineBar is a piece of a row. X and Width are in thousandths of the cycle.
type timelineBar struct {
	Kind        string // queued, ran, failed, runs, waits
	Says        string
	X, Width    int
	begin, over time.Time
}

// timelineTypes are the records that a timeline is made of.
var timelineTypes = []string{"cycle.started", "cycle.finished", "wave.started", "wave.committed", "task.started", "task.finished", "task.waiting", "task.held", "task.answered", "stack.finished"}

// timelineOf reads what the tasks of a cycle did.
func (v *visit) timelineOf(id string, cycle, last uint64, all bool) (*timeline, error) {
	if cycle == 0 || cycle > last {
		return nil, nil
	}
	t := &timeline{}
	b := timelineBuilder{timeline: t, rows: map[journal.TaskKey]int{}, waves: map[uint64]time.Time{}, most: shownTasks}
	if all {
		b.most = allTasks
	}
	want := journal.Want{Last: int(last-cycle) + 1, Types: timelineTypes}
	err := v.o.Store.Records(v.r.Context(), id, want, func(r journal.Record) error {
		if r.Cycle == cycle {
			b.add(r)
		}
		return nil
	})
	if err != nil || t.Began.IsZero() {
		return nil, err
	}
	b.finish(time.Now())
	return t, nil
}

type timelineBuilder struct {
	*timeline
	rows  map[journal.TaskKey]int
	waves map[uint64]time.Time
	most  int // rows
}

func (b *timelineBuilder) add(r journal.Record) {
	switch body := r.Body.(type) {
	case *journal.CycleStarted:
		b.Began = r.Time
		return
	case *journal.CycleFinished, *journal.StackFinished:
		b.Ended = r.Time
		return
	case *journal.WaveCommitted:
		b.committed(r, body)
		return
	case *journal.WaveStarted:
		b.waves[body.Wave] = r.Time
		b.Waves = append(b.Waves, timelineMark{Wave: body.Wave, At: r.Time})
		return
	}
	key, ok := r.Task()
	if !ok {
		return
	}
	row := b.row(key)
	if row == nil {
		return
	}
	switch body := r.Body.(type) {
	case *journal.TaskStarted:
		row.close(r.Time, "")
		row.Attempts, row.Status = body.Attempt, "running"
		row.open("runs", r.Time)
	case *journal.TaskWaiting, *journal.TaskHeld:
		row.close(r.Time, "ran")
		row.Status = "waiting"
		row.open("waits", r.Time)
	case *journal.TaskAnswered:
		row.close(r.Time, "")
	case *journal.TaskFinished:
		row.Status = body.Status
		kind := "ran"
		if body.Status == "failed" {
			kind = "failed"
		}
		row.close(r.Time, kind)
		if body.Error != nil {
			row.Error = body.Error.Kind + ": " + body.Error.Message
		}
		if !body.RetryAt.IsZero() {
			row.Status = "backoff"
			row.open("queued", r.Time)
		}
	}
}

// committed notes the nodes that wait for somebody from now on: none of their records says so.
func (b *timelineBuilder) committed(r journal.Record, body *journal.WaveCommitted) {
	for _, s := range body.Settled {
		i, ok := b.rows[journal.TaskKey{Cycle: r.Cycle, Wave: body.Wave, Node: s.Node}]
		if s.Status != "waiting" || !ok || i < 0 {
			continue
		}
		row := &b.Rows[i]
		if row.Status == "running" {
			row.close(r.Time, "ran")
			row.Status = "waiting"
			row.open("waits", r.Time)
		}
	}
}

// row is that of a task; nil when there are too many.
func (b *timelineBuilder) row(key journal.TaskKey) *timelineRow {
	if i, ok := b.rows[key]; ok {
		if i < 0 {
			return nil
		}
		return &b.Rows[i]
	}
	if len(b.Rows) == b.most {
		b.More++
		b.rows[key] = -1
		return nil
	}
	b.rows[key] = len(b.Rows)
	row := timelineRow{Task: journal.Spot{Node: key.Node, Item: key.Item}.String(), Wave: key.Wave, Status: "queued"}
	if began, ok := b.waves[key.Wave]; ok {
		row.open("queued", began)
	}
	b.Rows = append(b.Rows, row)
	return &b.Rows[len(b.Rows)-1]
}

func (row *timelineRow) open(kind string, at time.Time) {
	row.Bars = append(row.Bars, timelineBar{Kind: kind, begin: at})
}

// close ends the open bar; kind says what it was, "" as it is.
func (row *timelineRow) close(at time.Time, kind string) {
	if len(row.Bars) == 0 {
		return
	}
	last := &row.Bars[len(row.Bars)-1]
	if !last.over.IsZero() {
		return
	}
	last.over = at
	if kind != "" && last.Kind == "runs" {
		last.Kind = kind
	}
}

// finish gives the bars their places.
func (b *timelineBuilder) finish(now time.Time) {
	if b.Ended.IsZero() {
		b.Ended = now
	}
	whole := max(b.Ended.Sub(b.Began), time.Millisecond)
	place := func(at time.Time) int {
		return int(1000 * min(max(at.Sub(b.Began), 0), whole) / whole)
	}
	for i := range b.Rows {
		row := &b.Rows[i]
		for k := range row.Bars {
			bar := &row.Bars[k]
			if bar.over.IsZero() {
				bar.over = b.Ended
			}
			bar.X = place(bar.begin)
			bar.Width = max(3, place(bar.over)-bar.X)
			bar.Says = barWords[bar.Kind] + " " + took(bar.over.Sub(bar.begin))
			row.Took = max(row.Took, bar.over.Sub(row.Bars[0].begin))
		}
	}
}

// barWords say what a bar is.
var barWords = map[string]string{"queued": "queued for", "ran": "ran for", "failed": "failed after", "runs": "has been running for", "waits": "waited for"}
