package std

import "github.com/graphrun/graphrun/graph"

// The words that fields of the kinds take, with what they mean. Where there is a default it
// is the first.
var (
	parseChoices = []graph.Choice{
		{Value: "json", Doc: "one JSON value; nothing is null"},
		{Value: "text", Doc: "the text as it is"},
		{Value: "lines", Doc: "a list of the lines, without their ends"},
		{Value: "base64", Doc: "any bytes, as base64 text"},
		{Value: "full", Doc: "{code, stdout, stderr}: the exit code, and both outputs as text"},
	}
	bodyChoices = []graph.Choice{
		{Value: "auto", Doc: "a JSON value or text, by the content type"},
		{Value: "json", Doc: "one JSON value"},
		{Value: "text", Doc: "the text as it is"},
		{Value: "base64", Doc: "any bytes, as base64 text"},
	}
	memoryChoices = []graph.Choice{
		{Value: "write", Doc: "keeps a text, in place of one with the same id"},
		{Value: "search", Doc: "finds texts by words, and by meaning where the memory has vectors"},
		{Value: "delete", Doc: "deletes a text by its id"},
	}
	reasoningChoices = []graph.Choice{
		{Value: "low", Doc: "think little"}, {Value: "medium", Doc: "think for a while"}, {Value: "high", Doc: "think for long"},
	}
	structuredChoices = []graph.Choice{
		{Value: "auto", Doc: "as the provider can"},
		{Value: "schema", Doc: "by the JSON Schema of the type"},
		{Value: "json", Doc: "by the provider's JSON mode, with the type in the instructions"},
		{Value: "prompt", Doc: "by the instructions alone"},
	}
)

// words are the values of choices.
func words(choices []graph.Choice) []string {
	out := make([]string, len(choices))
	for i, c := range choices {
		out[i] = c.Value
	}
	return out
}
