package mcp

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/nodes"
)

// seen compares the tools that a server offers with those that it offered when the graph
// used it before. A tool that says something else than it did may not be the one that the
// author agreed to. What was seen is kept in the store, as a hash for each tool.
type seen struct {
	mu   sync.Mutex
	last map[string]*toolList         // that was compared, by graph and server
	kept map[string]map[string]string // where the driver has no store
}

// compare warns of each tool that changed, came or went.
func (s *seen) compare(ctx context.Context, t nodes.Task, server string, list *toolList, log *slog.Logger) {
	if t.Logger != nil {
		log = t.Logger
	}
	name := "mcp tools " + t.Graph + "/" + server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last[name] == list {
		return
	}
	before, known, err := s.before(ctx, t, name)
	if err == nil && known {
		warn(log, server, before, list.hashes)
	}
	if err == nil && !maps.Equal(before, list.hashes) {
		err = s.keep(ctx, t, name, list.hashes)
	}
	if err != nil {
		if ctx.Err() == nil {
			log.Warn("the tools of a server cannot be compared with those it had before", "server", server, "error", err)
		}
		return
	}
	if s.last == nil {
		s.last = map[string]*toolList{}
	}
	s.last[name] = list
}

func (s *seen) before(ctx context.Context, t nodes.Task, name string) (map[string]string, bool, error) {
	if t.Kept == nil {
		before, known := s.kept[name]
		return before, known, nil
	}
	text, err := t.Kept(ctx, name)
	if err != nil || text == "" {
		return nil, false, err
	}
	var before map[string]string
	if json.Unmarshal([]byte(text), &before) != nil {
		return nil, false, nil // of another version: the list of now replaces it
	}
	return before, true, nil
}

func (s *seen) keep(ctx context.Context, t nodes.Task, name string, hashes map[string]string) error {
	if t.Keep == nil {
		if s.kept == nil {
			s.kept = map[string]map[string]string{}
		}
		s.kept[name] = hashes
		return nil
	}
	text, err := json.Marshal(hashes) // sorted by name
	if err != nil {
		return err
	}
	return t.Keep(ctx, name, string(text))
}

func warn(log *slog.Logger, server string, before, now map[string]string) {
	all := maps.Clone(before)
	maps.Copy(all, now)
	for _, tool := range slices.Sorted(maps.Keys(all)) {
		old, was := before[tool]
		hash, is := now[tool]
		switch {
		case !was:
			log.Warn("a server has a tool that it did not have before", "server", server, "tool", tool)
		case !is:
			log.Warn("a server has no longer a tool that it had before", "server", server, "tool", tool)
		case old != hash:
			log.Warn("a tool of a server has changed: its description or its arguments are not what they were", "server", server, "tool", tool)
		}
	}
}
