// Package anthropic asks models over Anthropic's messages API. Blocks of an answer that
// have to go back as they came, known or not, are kept in the message: see
// docs/adr/0012-own-clients-of-models.md.
package anthropic
