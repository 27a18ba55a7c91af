// Package house holds tests about the code itself: who may import whom, that
// the machine stays pure, what an embedder links, and how long files may be.
package house
