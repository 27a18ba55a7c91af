// Package openai asks models over the API of chat completions, which most providers and
// local servers speak, each in its own dialect. It reads all that the recorded traffic
// and the providers' documentation show: see docs/adr/0012-own-clients-of-models.md.
package openai
