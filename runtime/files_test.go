package runtime_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestWaitForFiles: files that are there at first count once they are quiet, also for a
// stack that is not loaded and after a restart, and none is given twice.
func TestWaitForFiles(t *testing.T) {
	t.Parallel()
	for _, loaded := range []int{0, -1} {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			k.Config.Loaded = loaded
			k.Reopen()
			dir := k.T.TempDir()
			put := func(name, text string) {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					k.T.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					k.T.Fatal(err)
				}
			}
			put("inbox/b.json", "1")
			put("inbox/a.json", "22")
			put("inbox/a.txt", "no")
			put("inbox/deep/c.json", "no")
			d := def(k.T, `{"graphrun": 1, "name": "one", "pause": {"set": true, "none": true}, "limits": {"cycles": 50},
				"state": [{"name": "got", "type": "list(any)", "reduce": {"name": "append"}, "keep": 9}],
				"nodes": [{"id": "a", "uses": "wait", "with": {"files": "inbox/*.json"}, "writes": [{"key": "got", "expr": "map(output, .path + ' ' + string(.size))"}]}]}`)
			d.File = filepath.Join(dir, "g.yaml")
			k.Start(k.Compile(d), runtime.StartOptions{})
			want := func(when, text string) {
				k.T.Helper()
				if got := value.String(state(k, "one")["got"]); got != text {
					k.T.Errorf("%s: got %s, want %s", when, got, text)
				}
			}
			want("at once", `[]`)
			k.Forward(5 * time.Second)
			want("at first", `["inbox/a.json 2","inbox/b.json 1"]`)
			k.Forward(time.Minute)
			want("later", `["inbox/a.json 2","inbox/b.json 1"]`)
			put("inbox/b.json", "1234")
			k.Forward(5 * time.Second)
			want("changed", `["inbox/a.json 2","inbox/b.json 1","inbox/b.json 4"]`)
			k.Reopen()
			k.Resume("one", runtime.ResumeOptions{})
			k.Forward(time.Minute)
			want("after a restart", `["inbox/a.json 2","inbox/b.json 1","inbox/b.json 4"]`)
			put("inbox/c.json", "")
			k.Forward(5 * time.Second)
			want("new after a restart", `["inbox/a.json 2","inbox/b.json 1","inbox/b.json 4","inbox/c.json 0"]`)
		})
	}
}
