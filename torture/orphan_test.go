package torture

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// childEnv makes the test binary a program that a node runs; it names the
// ledger.
const childEnv = "TORTURE_CHILD"

// The lives whose nodes run programs; the second is a control, which does not
// look for what an earlier life left behind.
const (
	withChildren         = "runs programs"
	carelessWithChildren = "runs programs, and never looks back"
)

// parents is a graph whose nodes run programs that outlive most lives.
func parents(role string) string {
	kind := map[string]string{withChildren: "exec", carelessWithChildren: "careless"}[role]
	node := func(id, more string) string {
		return fmt.Sprintf(`{"id": %q, "uses": %q, "with": {"command": [%q], "parse": "text", "env": {%q: %q}} %s}`,
			id, kind, os.Args[0], childEnv, os.Getenv(ledgerEnv), more)
	}
	return `{"graphrun": 1, "name": "parents", "pools": [{"name": "default", "parallel": 3}],
		"events": [{"name": "message", "to": "messages"}],
		"state": [{"name": "log", "type": "list(string)", "reduce": {"name": "append"}}, {"name": "messages", "type": "list(string)"}],
		"nodes": [` + node("a", "") + "," + node("b", `, "for_each": {"in": "[1, 2]", "as": "it"}`) + `],
		"pause": {"set": true, "active": 3000000}, "limits": {"failures": 0}}`
}

// careless is the kind exec without the word that an attempt was cut off.
func careless(kinds *nodes.Registry) nodes.Spec {
	spec, _ := kinds.Spec("exec")
	exec := spec.Node
	spec.Name, spec.Node = "careless", work(func(ctx context.Context, t nodes.Task) (nodes.Result, error) {
		t.Rerun = false
		return exec.Run(ctx, t)
	})
	return spec
}

// child is the program: it notes which other programs of its task are running, and
// that it began and ended.
func child() {
	ledger, err := os.OpenFile(os.Getenv(childEnv), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(1)
	}
	key := os.Getenv("GRAPHRUN_KEY")
	note := func(word string) { _, _ = ledger.WriteString(entry(word, key, strconv.Itoa(os.Getpid()))) }
	for range children(key) {
		note("orphan")
	}
	note("child")
	<-time.After(time.Duration(50+rand.IntN(200)) * time.Millisecond)
	if rand.IntN(2) == 0 {
		outlive()
	}
	note("end")
}

// lastLife is beside a ledger once the lives are not cut short any more.
const lastLife = ".last"

// outlive waits for the last life: long enough that on a slow machine too a
// program is there when its engine dies, and when the next one begins.
func outlive() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if _, err := os.Stat(os.Getenv(childEnv) + lastLife); err == nil {
			return
		}
	}
}

// children are the other processes that nodes of a test run with this key, or with
// any key if it is "".
func children(key string) (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || len(env) == 0 {
			continue
		}
		vars := append([]byte{0}, env...)
		if bytes.Contains(vars, []byte("\x00GRAPHRUN_KEY="+key)) && bytes.Contains(vars, []byte("\x00"+childEnv+"=")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// No program of a killed engine runs beside its replacement; the same test finds such
// programs in an engine that does not look for them.
func TestOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: programs that outlive the engine are found on Linux only")
	}
	if raceDetector {
		t.Skip("the programs are copies of this one, which take long to begin with the race detector")
	}
	t.Parallel()
	kills := 6
	if long {
		kills = 12
	}
	for role, control := range map[string]bool{withChildren: false, carelessWithChildren: true} {
		t.Run(role, func(t *testing.T) {
			ledger := parentLives(t, role, kills)
			began, ended, orphans := strings.Count(ledger, "child "), strings.Count(ledger, "end "), strings.Count(ledger, "orphan ")
			t.Logf("%d kills, %d programs began, %d came to their end, %d ran beside one of the same task", kills, began, ended, orphans)
			if began == ended && !control {
				t.Error("no program was cut off: the test means nothing")
			}
			if control != (orphans > 0) {
				t.Errorf("%d orphans in an engine that %s", orphans, role)
			}
			if left := children(""); len(left) > 0 && !control {
				t.Errorf("%d programs are left", len(left))
			}
		})
	}
}

// programs counts those that have begun.
func programs(t *testing.T, ledger string) (n int) {
	t.Helper()
	for _, w := range lines(t, ledger) {
		if w[0] == "child" {
			n++
		}
	}
	return n
}

func parentLives(t *testing.T, role string, kills int) (ledger string) {
	t.Helper()
	dir := t.TempDir()
	path, file := filepath.Join(dir, "graphrun.db"), filepath.Join(dir, "ledger")
	for i := range kills {
		p := begin(t, role, path, file, i+1)
		began := programs(t, file)
		if err := p.live(i+1, time.Duration(rand.IntN(200))*time.Millisecond); err != nil {
			t.Fatalf("life %d %v", i+1, err)
		}
		for wait := time.After(10 * time.Second); i%2 == 0 && programs(t, file) == began; { // the others may be too short for one
			select {
			case <-time.After(5 * time.Millisecond):
			case <-wait:
				t.Fatalf("life %d begins no program: %s", i+1, &p.out)
			}
		}
		p.kill()
	}
	if err := os.WriteFile(file+lastLife, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := begin(t, "settle", path, file, kills+1)
	if err := <-p.ended; err != nil {
		t.Fatalf("the last life: %v: %s", err, &p.out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
