// Package suites finds the conformance suites of other projects, for tests
// alone. The suites are data beside the repository and not part of it: a test
// that needs one which is absent is skipped, and says so.
package suites
