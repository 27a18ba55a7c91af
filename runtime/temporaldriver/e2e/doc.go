/*
Package e2e tests package temporaldriver on a real Temporal server, whose process and whose
workers are killed and started again. It is a module of its own, and so is the server: who uses
the driver gets neither.

	go test ./...                             # about two minutes
	E2E=long go test -timeout 30m ./...       # more kills, more stacks
	go test -run TestHistories -update .      # records the histories that the driver replays
*/
package e2e
