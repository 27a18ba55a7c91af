/*
Package temporaldriver runs stacks on a Temporal cluster, in place of the embedded runtime.
*/
package temporaldriver
