package cli

import (
	"testing"
	"time"
)

// TestClock: text has the local time with its zone, and UTC with --utc.
func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 19, 35, 6, 123, time.FixedZone("IST", 5*3600+1800))
	if got := (&app{utc: true}).clock(at); got != "2026-11-29 14:05:06 +0000" {
		t.Errorf("with --utc: %s", got)
	}
	got, err := time.Parse(clockForm, (&app{}).clock(at))
	if err != nil || !got.Equal(at.Truncate(time.Second)) {
		t.Errorf("%v, %v", got, err)
	}
	_, want := at.Local().Zone()
	if _, offset := got.Zone(); offset != want {
		t.Errorf("the offset is %d s, want that of the local time zone, %d s", offset, want)
	}
}
