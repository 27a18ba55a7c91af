//go:build !race

package temporaldriver

// raceDetector means that everything is ten times as slow.
const raceDetector = false
