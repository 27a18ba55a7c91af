package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"

	"github.com/graphrun/graphrun/graph/machine"
)

// showCursor undoes what a live view that is not closed leaves behind.
const showCursor = "\r\n\x1b[J\x1b[?25h"

// liveView keeps a table of the cycle's nodes at the bottom of the terminal,
// inline: what is finished scrolls up and stays there. It begins with the
// first record: a stack that cannot start leaves no trace of it.
type liveView struct {
	program *tea.Program
	model   *liveModel
	begin   sync.Once
	done    chan struct{}
}

func newLiveView(a *app, stack string) *liveView {
	m := newLiveModel(stack)
	if a.color(a.err) {
		m.styles = newLiveStyles()
	}
	return &liveView{
		model: m,
		done:  make(chan struct{}),
		program: tea.NewProgram(m,
			tea.WithOutput(a.err), tea.WithInput(nil),
			tea.WithoutSignalHandler()), // the signals are the engine's: it ends with a checkpoint
	}
}

// record updates the table, which the spinner's next tick shows. What is over
// is printed above it: line by line, as a block that is higher than the
// terminal would be printed in the wrong place, and in order, which commands of
// a model do not promise.
func (v *liveView) record(r machine.Record) {
	v.begin.Do(func() {
		go func() {
			defer close(v.done)
			_, _ = v.program.Run() // a terminal that is gone ends the view, not the stack
		}()
		select { // lines printed above a frame that is not there yet would overwrite others
		case <-v.model.drawn:
		case <-v.done:
		}
	})
	for _, line := range v.model.record(r) {
		v.program.Send(tea.Println(line)())
	}
}

func (v *liveView) stopping(grace time.Duration) { v.model.stopping(grace) }

func (v *liveView) close() {
	v.begin.Do(func() { close(v.done) })
	v.program.Quit()
	<-v.done
}

// liveModel is the table: one row per node of the open cycle that ran, in the
// order in which they began.
type liveModel struct {
	mu      sync.Mutex // records and frames come from two goroutines
	stack   string
	cycle   uint64
	wave    uint64
	pause   time.Time // end of the pause; zero while a cycle is open
	stop    string    // what an interrupt waits for
	ended   bool
	rows    []*liveRow
	index   map[string]*liveRow // of rows, by node
	spin    spinner.Model
	now     time.Time
	columns int
	lines   int
	styles  liveStyles

	drawOnce sync.Once
	drawn    chan struct{} // closed by the spinner's first tick: frames come more often
}

func newLiveModel(stack string) *liveModel {
	return &liveModel{stack: oneLine(stack), index: map[string]*liveRow{}, now: time.Now(), drawn: make(chan struct{}),
		columns: 80, lines: 24, spin: spinner.New(spinner.WithSpinner(spinner.MiniDot))}
}

func (m *liveModel) Init() tea.Cmd { return m.spin.Tick }

func (m *liveModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.columns, m.lines = msg.Width, msg.Height
	case tea.QuitMsg:
		m.ended = true
	case spinner.TickMsg:
		m.drawOnce.Do(func() { close(m.drawn) })
		m.now = time.Now()
		var cmd tea.Cmd
		m.spin, cmd = m.spin.Update(msg)
		return m, cmd
	}
	return m, nil
}

// stopping says what the end waits for, when it is for anything.
func (m *liveModel) stopping(grace time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	running := 0
	for _, r := range m.rows {
		running += len(r.running)
	}
	if running > 0 && grace > 0 {
		m.stop = stoppingLine(running, grace)
	}
}

// record updates the table and gives the lines of what is over.
func (m *liveModel) record(r machine.Record) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch b := r.Body.(type) {
	case *machine.CycleStarted:
		m.cycle, m.wave, m.pause = r.Cycle, 0, time.Time{}
	case *machine.WaveStarted:
		m.cycle, m.wave = r.Cycle, b.Wave
	case *machine.TaskStarted:
		m.cycle, m.wave = r.Cycle, b.Wave
		m.row(b.Node).start(b, r.Time)
	case *machine.TaskFinished:
		m.row(b.Node).finish(b, r.Time)
	case *machine.WaveCommitted:
		return nil
	case *machine.CycleFinished:
		lines := m.styles.table(m.rows, m.columns, "", r.Time, false)
		m.rows, m.index = nil, map[string]*liveRow{}
		m.pause = r.Time.Add(b.Pause)
		for _, line := range m.wrapped(cycleLine(r.Cycle, b)) {
			lines = append(lines, m.styles.dim.Render(line))
		}
		return lines
	default:
		return m.wrapped(plainLine(r))
	}
	return nil
}

// wrapped breaks a line for the terminal. None reaches its last column: the
// terminal would wrap again, and what was printed could not be counted.
func (m *liveModel) wrapped(s string) []string { return wrap(s, m.columns-1, "") }

// row finds or adds the row of a node.
func (m *liveModel) row(node string) *liveRow {
	r := m.index[node]
	if r == nil {
		r = &liveRow{node: node, running: map[string]time.Time{}}
		m.rows = append(m.rows, r)
		m.index[node] = r
	}
	return r
}

func (m *liveModel) View() tea.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return tea.NewView(strings.Join(m.styles.table(m.rows, m.columns, "·", m.now, true), "\n"))
	}
	lines := m.styles.table(m.visible(), m.columns, m.spin.View(), m.now, true)
	if hidden := len(m.rows) - len(lines); hidden > 0 {
		lines = append([]string{m.styles.dim.Render(fmt.Sprintf("  … %d more", hidden))}, lines...)
	}
	return tea.NewView(strings.Join(append(lines, m.spin.View()+" "+m.where()), "\n"))
}

// where tells how far the stack is.
func (m *liveModel) where() string {
	name := m.styles.title.Render(fit(m.stack, m.columns/2))
	switch {
	case m.stop != "":
		return fit(m.stop, m.columns-3)
	case m.cycle == 0:
		return name + " starting"
	case m.pause.IsZero():
		return name + fmt.Sprintf(" cycle %d, wave %d", m.cycle, m.wave)
	}
	s := name + fmt.Sprintf(" cycle %d done", m.cycle)
	if left := m.pause.Sub(m.now); left > 0 {
		s += ", next in " + brief(left.Round(time.Second))
	}
	return s
}

// visible are the rows that fit the terminal, in their order: those that run,
// then those that failed, then the latest. All scroll up when the cycle is over.
func (m *liveModel) visible() []*liveRow {
	room := max(1, m.lines-4)
	if len(m.rows) <= room {
		return m.rows
	}
	keep := map[*liveRow]bool{}
	take := func(wanted func(*liveRow) bool) {
		for i := len(m.rows) - 1; i >= 0 && len(keep) < room; i-- {
			if wanted(m.rows[i]) {
				keep[m.rows[i]] = true
			}
		}
	}
	take((*liveRow).busy)
	take(func(r *liveRow) bool { return r.failed > 0 })
	take(func(*liveRow) bool { return true })
	var rows []*liveRow
	for _, r := range m.rows {
		if keep[r] {
			rows = append(rows, r)
		}
	}
	return rows
}
