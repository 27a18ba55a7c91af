// Package torture holds tests that take the ground from under a whole engine:
// processes that are killed at any instant, disks that keep some writes and not
// others, and power that goes. Each has a control: a system that is known to be
// broken, in which the same test must find the fault.
//
//	go test ./torture            all of it, about a minute
//	go test -short ./torture     fewer kills, fewer states
package torture
