// Package torture takes the ground from under a whole engine: it kills processes
// at any instant, keeps some of a disk's writes and not others, and cuts the
// power. Each test has a control: a system that is known to be broken, in which
// the same test must find the fault.
//
//	go test ./torture                 a part of it, in seconds
//	TORTURE=long go test ./torture    all of it, in minutes; .ci/run does this
package torture
