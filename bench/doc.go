// Package bench measures whole stacks on a store in a file: what a wave costs
// compared with the bare transaction under it, and whether a long history or a large
// state makes it more expensive.
//
//	go test ./bench -run '^$' -bench .
//
// Command peers, below it, measures them beside a peer and without an engine.
//
// Compare figures of the same run only, not those of different machines: each
// benchmark measures its baseline in the same run.
package bench
