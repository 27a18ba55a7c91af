// Package fleet leads the stacks of graphs with `fleet: lockstep` through their waves
// together:
//
//   - No member of a fleet begins a wave while another one has a wave open. Then all
//     members with an open cycle take their next decision at the same moment, and
//     that moment is the same instant for all of them.
//   - Their cycles end together, when none of them has a node left to run, so their
//     pauses begin together.
//   - The member whose pause is over first begins the next cycle, and all others that
//     pause begin with it: there is one rhythm for all.
//   - Nobody waits for a stack that is paused or stopped, or that waits for an event.
//     It joins again when it continues.
//
// The package knows its members only by the interface Member. It decides who begins
// when; the members report where they stand, and begin.
//
// How there can be one instant: a member that was chosen to begin is frozen until it
// takes that beginning (Take). Its clock stands still meanwhile (Frozen), so none of
// its inputs is later than the instant, which was read after the last of its other
// inputs; and what it reports is ignored, so nobody takes it for idle.
package fleet
