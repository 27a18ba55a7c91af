package journal

import (
	"fmt"
	"strconv"
	"strings"
)

// Point is a place in a stack's history: the commit of a wave, or with Wave 0
// the end of a cycle. The zero Point is the end of the history.
//
// With Start it is how the cycle begins: events and answers are applied, and nothing is
// decided yet. Start of cycle 0 is the beginning of the stack. Wave is 0 then.
type Point struct {
	Cycle, Wave uint64
	Start       bool
}

// String is CYCLE or CYCLE.WAVE, as ParsePoint reads it.
func (p Point) String() string {
	if p.Wave == 0 && (!p.Start || p.Cycle == 0) {
		return fmt.Sprint(p.Cycle)
	}
	return fmt.Sprintf("%d.%d", p.Cycle, p.Wave)
}

// ParsePoint reads CYCLE[.WAVE]. Cycles are counted from 1, and 0 is the beginning of the
// stack; wave 0 is how a cycle begins. "" is the zero Point, now.
func ParsePoint(s string) (Point, error) {
	if s == "" {
		return Point{}, nil
	}
	cycle, wave, hasWave := strings.Cut(s, ".")
	var p Point
	var err error
	if p.Cycle, err = strconv.ParseUint(cycle, 10, 64); err == nil && hasWave {
		p.Wave, err = strconv.ParseUint(wave, 10, 64)
	}
	if err != nil || p.Cycle == 0 && hasWave {
		return Point{}, fmt.Errorf("%q: expected CYCLE or CYCLE.WAVE: 0 is the beginning, 3.0 how cycle 3 begins", s)
	}
	p.Start = p.Wave == 0 && (hasWave || p.Cycle == 0)
	return p, nil
}

// Ends reports that a record is the one that completes what p names.
//
// What completes a Point with Start depends on the records that follow: it has none.
func (p Point) Ends(r Record) bool {
	if p.Start {
		return false
	}
	if b, ok := r.Body.(*CycleStarted); ok && b.Finally { // it may have cut the cycle before it off
		return p.Wave == 0 && r.Cycle == p.Cycle+1 && p.Cycle > 0
	}
	if p == (Point{}) || r.Cycle != p.Cycle {
		return false
	}
	switch b := r.Body.(type) {
	case *WaveCommitted:
		return b.Number() == p.Wave && p.Wave > 0
	case *CycleFinished, *StackFinished:
		return p.Wave == 0
	}
	return false
}
