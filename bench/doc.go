// Package bench measures whole stacks on a store in a file: what a wave costs
// on disk beside the bare transaction under it, and that neither a long history
// nor a large state makes it dearer.
//
//	go test ./bench -run '^$' -bench .
//
// Figures of one run compare with each other, not with those of another
// machine: each benchmark has its yardstick in the same run.
package bench
