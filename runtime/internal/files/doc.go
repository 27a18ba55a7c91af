// Package files looks for the files that waits of stacks are for. Every driver does it in the
// same way: [Find] looks once, [Date] says since when each file is as it is, and [Told] keeps
// what one wait has heard of.
package files
