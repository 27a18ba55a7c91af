package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStoreWithAWaitingChild: in the store of 0.1.0 a graph within a graph waits for a
// person between its cycles, and its node runs meanwhile. This version takes the node for
// one that waits, and continues with the answer. The store was made by
//
//	graphrun serve graphs; graphrun start asks; kill -9
func TestStoreWithAWaitingChild(t *testing.T) {
	t.Parallel()
	k := keeper{&process{t: t, dir: t.TempDir()}, "graphrun"}
	if err := os.CopyFS(filepath.Join(k.dir, "graphs"), os.DirFS(filepath.Join(storesDir, "waiting", "graphs"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.dir, "s.db"), unpack(t, filepath.Join("waiting", "0.1.0.db")), 0o600); err != nil {
		t.Fatal(err)
	}
	k.serve()
	k.is("asks", "child waiting", "child/ask (approval)")
	k.must("approve", "asks", "child/ask")
	k.is("asks", "asks: completed")
	if out := k.must("state", "asks", "-o", "json"); !strings.Contains(out, `"said":true`) {
		t.Errorf("the state is %s", out)
	}
}
