package cli

import (
	"fmt"
	"time"
)

// clockForm is how every command writes a moment into text: with its zone. JSON has RFC 3339.
const clockForm = "2006-01-02 15:04:05 -0700"

// clock is a moment in the local time zone, or with --utc in UTC.
func (a *app) clock(at time.Time) string {
	if a.utc {
		return at.UTC().Format(clockForm)
	}
	return at.Local().Format(clockForm)
}

// logTime is the beginning of a line of a log.
func (a *app) logTime(at time.Time, cycle uint64) string {
	return fmt.Sprintf("%s  cycle %d  ", a.clock(at), cycle)
}

// lateText says which moment of the schedule a cycle was for that began later, "" for one
// that began in its minute.
func (a *app) lateText(due, began time.Time) string {
	if due.IsZero() || began.Sub(due) < time.Minute {
		return ""
	}
	return "due " + a.clock(due) + "  "
}
