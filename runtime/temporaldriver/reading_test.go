package temporaldriver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestMemoryPages: a memory that is larger than a reply is read whole, and integers stay integers
// on the way.
func TestMemoryPages(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ref := journal.MemoryRef{Stack: "s", Name: "notes"}
	const items = 7
	c := runtime.Commit{Stack: "s", Create: &journal.Identity{Stack: "s"}}
	var writes []journal.MemoryWrite
	for i := range items {
		writes = append(writes, journal.MemoryWrite{Memory: "notes", ID: fmt.Sprint(i), Text: strings.Repeat("x", pageBytes/3), Data: map[string]any{"n": int64(i)}})
	}
	writes = append(writes, journal.MemoryWrite{Memory: "notes", ID: "3", Delete: true})
	c.Memory = []runtime.MemoryWrites{{Ref: ref, Writes: writes}}
	if err := store.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want, err := store.Memory(t.Context(), ref, 0, func(journal.MemoryItem) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	ask := func(q readRequest) (r readReply, err error) {
		pages++
		var out readReply
		if out.Memory, out.Items, out.More, err = memoryPage(context.Background(), store, ref, q.After); err != nil {
			return r, err
		}
		out.MemoryID = "m"
		b, err := json.Marshal(out)
		if err != nil || len(b) > 2*pageBytes {
			t.Errorf("a reply of %d bytes, %v", len(b), err)
		}
		return r, json.Unmarshal(b, &r)
	}
	var got []string
	state, err := memoryPages(ask, "notes", 0, func(m journal.MemoryItem) error {
		data, _ := m.Data.(map[string]any)
		if n, ok := data["n"].(int64); !ok || fmt.Sprint(n) != m.ID {
			t.Errorf("item %s has %T %v", m.ID, data["n"], data["n"])
		}
		got = append(got, m.ID)
		return nil
	})
	if err != nil || strings.Join(got, "") != "012456" || pages < 3 {
		t.Errorf("%v in %d pages, %v", got, pages, err)
	}
	want.ID = "m"
	if state != want {
		t.Errorf("the memory stands at %+v, want %+v", state, want)
	}
}
