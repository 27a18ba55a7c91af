// Package cron computes the times of cron expressions.
//
// An expression has five fields: minute, hour, day of the month, month, day of
// the week. It belongs to a time zone and deals with changes of the clock as people
// expect: an expression with a fixed hour fires once a day. When the clock skips
// that hour it fires right after; when the clock repeats the hour it fires the first
// time. An expression for every hour (`*` or `*/N`) follows the hours that pass.
//
// The package has no clock of its own: Next takes the time to start from.
package cron
