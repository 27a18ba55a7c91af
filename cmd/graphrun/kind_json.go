package main

import "github.com/graphrun/graphrun/graph"

// fieldJSON and kindJSON are the `-o json` form of `graphrun kinds`.
type fieldJSON struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Doc      string `json:"doc"`
}

func kindJSON(k graph.Kind) any {
	fields := []fieldJSON{}
	for _, f := range k.Fields {
		fields = append(fields, fieldJSON{f.Name, f.Type, f.Required, f.Doc})
	}
	return struct {
		Name   string      `json:"name"`
		Doc    string      `json:"doc"`
		Runs   bool        `json:"runs"` // false: this version checks it only
		Fields []fieldJSON `json:"with"`
	}{k.Name, k.Doc, !k.Missing, fields}
}
