package torture

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// databaseName is what stores are called here.
const databaseName = "graphrun.db"

// process is one life of the engine.
type process struct {
	cmd    *exec.Cmd
	opened chan struct{} // closed when its runtime is open
	ended  chan error
	out    bytes.Buffer // read after ended
}

// Write keeps the output of the life, and notices that its runtime is open.
func (p *process) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte(openLine)) {
		close(p.opened)
	}
	return p.out.Write(b)
}

// begin starts a life of the engine, with env besides.
func begin(t *testing.T, role, path, ledger string, number int, env ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), opened: make(chan struct{}), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), roleEnv+"="+role, pathEnv+"="+path, ledgerEnv+"="+ledger, lifeEnv+"="+fmt.Sprint(number))
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// live returns when the process has lived that long. For every fourth process the
// time begins at its start, so that openings are cut short too. For the others it
// begins when the runtime is open, so that work is done on a slow machine too. An error
// means that the process ended by itself.
func (p *process) live(number int, long time.Duration) error {
	if number%4 != 0 {
		select {
		case <-p.opened:
		case err := <-p.ended:
			return p.early(err)
		}
	}
	select {
	case <-time.After(long):
		return nil
	case err := <-p.ended:
		return p.early(err)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) early(err error) error {
	return fmt.Errorf("ended by itself: %v: %s", err, &p.out)
}

// lives kills one life after the other, each after a random time, and lets the last
// one finish.
func lives(t *testing.T, role string, kills int, seed uint64) verdict {
	t.Helper()
	dir := t.TempDir()
	path, ledger := filepath.Join(dir, databaseName), filepath.Join(dir, "ledger")
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range kills {
		long := time.Duration(rnd.IntN(160)) * time.Millisecond
		if i%10 == 5 { // the log is brought into the database every second
			long += time.Second
		}
		p := begin(t, role, path, ledger, i+1)
		if err := p.live(i, long); err != nil {
			t.Fatalf("seed %d, life %d %v", seed, i+1, err)
		}
		p.kill()
	}
	p := begin(t, "settle", path, ledger, kills+1)
	if err := <-p.ended; err != nil {
		t.Fatalf("seed %d: the last life: %v: %s", seed, err, &p.out)
	}
	return judge(t, path, ledger)
}

// verdict counts faults (there must be none), and events that must happen.
type verdict struct {
	lost, twice, gaps, again, keys int

	runs, reruns, kept, acked, waves int
}

func (v verdict) String() string {
	return fmt.Sprintf("acknowledged and lost %d, applied twice %d, waves out of order %d, run again after they were shown as done %d, changed keys %d; "+
		"%d runs, %d of them again, %d results kept over a kill, %d events, %d waves", v.lost, v.twice, v.gaps, v.again, v.keys, v.runs, v.reruns, v.kept, v.acked, v.waves)
}

func (v verdict) faults() int { return v.lost + v.twice + v.gaps + v.again + v.keys }

// judge compares what was seen from outside with what the store has.
func judge(t *testing.T, path, ledger string) (v verdict) {
	t.Helper()
	text, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	acked := map[string]map[string]bool{}
	key, visible := map[string]string{}, map[string]string{}
	waves := map[string]string{}
	for _, w := range entries(string(text)) {
		switch w[0] {
		case "run":
			v.runs++
			if w[3] != "1" {
				v.reruns++
			}
			if key[w[1]] != "" && key[w[1]] != w[2] {
				v.keys++
			}
			key[w[1]] = w[2]
			if visible[w[1]] != "" {
				v.again++
			}
		case "visible":
			visible[w[1]] = w[2]
		case "wave":
			waves[w[1]] = w[2]
		case "ack":
			if acked[w[1]] == nil {
				acked[w[1]] = map[string]bool{}
			}
			acked[w[1]][w[2]] = true
			v.acked++
		}
	}
	for task, life := range visible {
		parts := strings.Split(task, "/")
		if end := waves[strings.Join(parts[:3], "/")]; end != "" && end != life {
			v.kept++
		}
	}
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range stacks {
		v.stack(t, s, fmt.Sprint("s", i), acked[fmt.Sprint("s", i)], key)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := boltstore.Check(context.Background(), path)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("the store is not sound: %v %+v", err, report.Problems)
	}
	return v
}

// stack looks through one stack's state and history.
func (v *verdict) stack(t *testing.T, s *boltstore.Store, id string, acked map[string]bool, key map[string]string) {
	t.Helper()
	ctx := context.Background()
	snap, err := s.Load(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]int{}
	for _, list := range []string{"log", "messages"} {
		for _, e := range snap.State[list].([]any) {
			has[e.(string)]++
		}
	}
	for _, n := range has {
		v.twice += n - 1
	}
	for id := range acked {
		if has[id] == 0 {
			v.lost++
		}
	}
	var cycle, wave uint64
	done := map[string]bool{} // in waves that are not committed yet
	err = s.Records(ctx, id, journal.Want{}, func(r journal.Record) error {
		switch b := r.Body.(type) {
		case *journal.CycleStarted:
			if r.Cycle != cycle+1 {
				v.gaps++
			}
			cycle, wave = r.Cycle, 0
		case *journal.TaskFinished:
			name := taskName(id, r.Cycle, b.Wave, b.Node, b.Item)
			if b.Status == "succeeded" {
				if done[name] {
					v.twice++
				}
				done[name] = true
			}
		case *journal.WaveCommitted:
			if b.Wave == 0 && wave == 0 {
				return nil // the events that the cycle began with
			}
			if b.Wave != wave+1 {
				v.gaps++
			}
			wave = b.Wave
			v.waves++
			for _, node := range b.Settled { // a failed one, as when its task was cut off too often, writes nothing
				prefix := fmt.Sprintf("%s/%d/%d/%s/", id, r.Cycle, b.Wave, node.Node)
				for name := range done {
					if k := key[name]; node.Status == "succeeded" && strings.HasPrefix(name, prefix) && k != "" && has[k] == 0 {
						v.lost++
					}
				}
			}
			clear(done)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The process is killed at any instant, again and again: nothing that was
// acknowledged is lost, nothing is applied twice, and no task that was shown as done
// runs again.
func TestKilled(t *testing.T) {
	t.Parallel()
	kills := 25
	if long && !raceDetector {
		kills = 200
	}
	few := func(v verdict) bool { return v.reruns == 0 || v.kept == 0 || v.acked == 0 || v.waves == 0 }
	v := lives(t, "live", kills, 1)
	if v.faults() == 0 && few(v) { // on a busy machine a life does not get far
		kills *= 4
		v = lives(t, "live", kills, 2)
	}
	t.Logf("%d kills: %s", kills, v)
	if v.faults() > 0 {
		t.Errorf("%d kills: %s", kills, v)
	}
	if few(v) {
		t.Errorf("too little happened for the test to mean anything: %s", v)
	}
}

// The same test finds faults in systems that have them. How soon depends on where the
// kills fall.
func TestKilledControls(t *testing.T) {
	for _, role := range []string{"forgets results", "acknowledges early"} {
		t.Run(role, func(t *testing.T) {
			for seed := range uint64(10) {
				v := lives(t, role, 12, seed)
				t.Log(v)
				if v.faults() > 0 {
					return
				}
			}
			t.Errorf("nothing was found in a system that %s", role)
		})
	}
}
