/*
Package e2e tests package temporaldriver on a real Temporal server, whose process and whose
workers are killed and started again. It is a module of its own, and so is the server: who uses
the driver gets neither.

	go test ./...                             # some four minutes, with the race detector too
	E2E=long go test -timeout 30m ./...       # more kills, and what takes minutes
	go run ./speed                            # how fast it is

Histories of this module's stacks are in ../testdata/histories, where the driver's own tests replay
them. A change of the driver that breaks running stacks fails there. Where that is meant, because no
release has the old form, they are recorded again:

	go test -run 'TestSame|TestSteps|TestContinued|TestVersions' -update .
*/
package e2e
