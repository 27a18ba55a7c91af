package trial

// Coverage is what the tests of a graph have shown of it.
type Coverage struct {
	Graph   string    `json:"graph"`
	Percent float64   `json:"percent"`
	Covered int       `json:"covered"`
	Of      int       `json:"of"`
	Missing []Missing `json:"missing"`
}

// Missing is what no test has shown.
type Missing struct {
	Kind   string `json:"kind"` // never-ran, never-failed, never-live, never-dead, never-true or never-false
	Node   string `json:"node,omitempty"`
	Edge   string `json:"edge,omitempty"`
	Text   string `json:"text,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}
