package cron_test

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph/cron"
)

func ExampleSchedule_Next() {
	zone, err := cron.Zone("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	workdays, err := cron.Parse("30 9 * * mon-fri", zone)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) // a Friday
	for range 2 {
		at = workdays.Next(at)
		fmt.Println(at.Format(time.RFC3339))
	}
	// Output:
	// 2026-01-05T08:30:00Z
	// 2026-01-06T08:30:00Z
}
