package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/graphrun/graphrun/graph/machine"
)

// liveView keeps a table of the cycle's nodes at the bottom of the terminal,
// inline: what is finished scrolls up as plain lines and stays there.
type liveView struct {
	program *tea.Program
	done    chan struct{}
}

func newLiveView(a *app, stack string) view {
	profile := colorprofile.Detect(a.err, os.Environ())
	if !a.color(a.err) {
		profile = colorprofile.ASCII
	}
	v := &liveView{done: make(chan struct{})}
	v.program = tea.NewProgram(newLiveModel(stack),
		tea.WithOutput(a.err), tea.WithInput(nil), tea.WithColorProfile(profile),
		tea.WithoutSignalHandler()) // the signals are the engine's: it ends with a checkpoint
	go func() {
		defer close(v.done)
		if _, err := v.program.Run(); err != nil {
			fmt.Fprintln(a.err, "graphrun: the live view ended:", err)
		}
	}()
	return v
}

func (v *liveView) record(r machine.Record) { v.program.Send(r) }

// close may be called twice: the second time there is nothing left to do.
func (v *liveView) close() {
	v.program.Quit()
	<-v.done
}

// liveModel is the table: one row per task of the open cycle, in the order in
// which they were decided.
type liveModel struct {
	stack  string
	cycle  uint64
	wave   uint64
	pause  time.Time // end of the pause; zero while a cycle is open
	rows   []liveRow
	index  map[string]int // of rows, by task name
	spin   spinner.Model
	now    time.Time
	styles liveStyles
}

type liveRow struct {
	name    string
	started time.Time
	text    string // how it ended; "" while it runs
	failed  bool
}

type liveStyles struct{ title, good, bad, dim lipgloss.Style }

func newLiveModel(stack string) *liveModel {
	return &liveModel{stack: clean(stack), index: map[string]int{}, now: time.Now(),
		spin: spinner.New(spinner.WithSpinner(spinner.MiniDot)),
		styles: liveStyles{
			title: lipgloss.NewStyle().Bold(true),
			good:  lipgloss.NewStyle().Foreground(lipgloss.Color("2")),
			bad:   lipgloss.NewStyle().Foreground(lipgloss.Color("1")),
			dim:   lipgloss.NewStyle().Faint(true),
		}}
}

func (m *liveModel) Init() tea.Cmd { return m.spin.Tick }

func (m *liveModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case machine.Record:
		return m, m.record(msg)
	case spinner.TickMsg:
		m.now = time.Now()
		var cmd tea.Cmd
		m.spin, cmd = m.spin.Update(msg)
		return m, cmd
	}
	return m, nil
}

// record updates the table; what is over is printed above it.
func (m *liveModel) record(r machine.Record) tea.Cmd {
	switch b := r.Body.(type) {
	case *machine.CycleStarted:
		m.cycle, m.wave, m.pause = r.Cycle, 0, time.Time{}
		m.rows, m.index = nil, map[string]int{}
		return nil
	case *machine.WaveStarted:
		m.cycle, m.wave = r.Cycle, b.Wave
		return nil
	case *machine.TaskStarted:
		m.row(taskName(b.Node, b.Item)).start(r.Time)
		return nil
	case *machine.TaskFinished:
		m.row(taskName(b.Node, b.Item)).finish(b, r.Time)
		return nil
	case *machine.WaveCommitted:
		return nil
	case *machine.CycleFinished:
		lines := m.table(false)
		m.rows, m.index = nil, map[string]int{}
		m.pause = r.Time.Add(b.Pause)
		lines = append(lines, m.styles.dim.Render(cycleLine(r.Cycle, b)))
		return tea.Println(strings.Join(lines, "\n"))
	}
	if s := plainLine(r); s != "" {
		return tea.Println(s)
	}
	return nil
}

// row finds or adds the row of a task.
func (m *liveModel) row(name string) *liveRow {
	i, ok := m.index[name]
	if !ok {
		i = len(m.rows)
		m.rows = append(m.rows, liveRow{name: name})
		m.index[name] = i
	}
	return &m.rows[i]
}

func (r *liveRow) start(at time.Time) { r.started, r.text, r.failed = at, "", false }

func (r *liveRow) finish(b *machine.TaskFinished, at time.Time) {
	r.text, r.failed = finished(b, at), b.Error != nil
}

func (m *liveModel) View() tea.View {
	head := m.styles.title.Render(m.stack)
	switch {
	case m.cycle == 0:
		head += " starting"
	case !m.pause.IsZero():
		head += fmt.Sprintf(" cycle %d done", m.cycle)
		if left := m.pause.Sub(m.now); left > 0 {
			head += ", next in " + brief(left.Round(time.Second))
		}
	default:
		head += fmt.Sprintf(" cycle %d wave %d", m.cycle, m.wave)
	}
	return tea.NewView(strings.Join(append(m.table(true), m.spin.View()+" "+head), "\n"))
}

// table renders the rows. The live part is kept to the last few, so that it
// fits every terminal; all of them scroll up when the cycle is over.
func (m *liveModel) table(live bool) []string {
	const most = 16
	rows := m.rows
	var lines []string
	if live && len(rows) > most {
		lines = append(lines, m.styles.dim.Render(fmt.Sprintf("  … %d more", len(rows)-most)))
		rows = rows[len(rows)-most:]
	}
	width := 0
	for _, r := range rows {
		width = max(width, lipgloss.Width(r.name))
	}
	for _, r := range rows {
		mark, text := m.styles.good.Render("✓"), r.text
		switch {
		case r.failed:
			mark = m.styles.bad.Render("✗")
		case r.text == "":
			mark, text = m.spin.View(), "running "+brief(max(0, m.now.Sub(r.started)).Round(100*time.Millisecond))
		}
		pad := strings.Repeat(" ", width-lipgloss.Width(r.name))
		lines = append(lines, fmt.Sprintf("  %s %s%s  %s", mark, r.name, pad, text))
	}
	return lines
}
