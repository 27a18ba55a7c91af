package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"gopkg.in/yaml.v3"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
)

// say runs the program, and gives what it wrote with its exit code.
func say(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := program().Run(t.Context(), args, strings.NewReader(""), &out, &out)
	return out.String(), code
}

func TestHelp(t *testing.T) {
	t.Parallel()
	got, code := say(t, "--help")
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, got)
	}
	for _, command := range []string{
		"worker", "update", "start", "send", "approve", "reject", "status", "state", "explain", "history", "trace", "logs", "ps",
		"cancel", "pause", "resume", "stop", "wake", "rm", "diff", "eval",
	} {
		if !strings.Contains(got, "\n  "+command+" ") {
			t.Errorf("the help does not list %s", command)
		}
		if page, code := say(t, "help", command); code != 0 || regexp.MustCompile(`graphrun( |\.db)`).MatchString(page) {
			t.Errorf("the help of %s (exit code %d) is about another program:\n%s", command, code, page)
		}
	}
	for _, text := range []string{"--address HOST:PORT", "--namespace NAME", "--task-queue NAME", "--blobs URL", "--tls-ca FILE", "TEMPORAL_API_KEY", client.DefaultHostPort} {
		if !strings.Contains(got, text) {
			t.Errorf("the help does not name %s", text)
		}
	}
	for line := range strings.Lines(got) {
		if len(line) > 81 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
}

// nobody is an address that nobody listens at.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestUnreachable: a cluster that is not there is exit code 4 within seconds, and the message
// names its address.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "g.yaml")
	if err := os.WriteFile(file, []byte("graphrun: 1\nname: g\nstate: {n: {type: integer, default: 0}}\nnodes: {a: {uses: set, writes: {n: \"1\"}}}\nedges: [{to: a}]\nstop: state.n > 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := nobody(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // whoever connects hears nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, args := range [][]string{
		{"ps"}, {"status", "s"}, {"start", file}, {"send", "s", "mail"}, {"worker"}, {"worker", "--search-attributes"}, {"update", "s", file},
		{"ps", "--address", silent.Addr().String()},
	} {
		at := address
		if !slices.Contains(args, "--address") {
			args = append(args, "--address", address)
		} else {
			at = silent.Addr().String()
		}
		began := time.Now()
		got, code := say(t, args...)
		if code != 4 || !strings.HasPrefix(got, "graphrun-temporal: the Temporal cluster at "+at+" cannot be reached: ") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q: exit code %d: %s", args, code, got)
		}
		if took := time.Since(began); took > 4*dialTime {
			t.Errorf("%q takes %s", args, took)
		}
	}
}

// TestUsage: mistakes in flags and arguments are exit code 2, before anybody is asked.
func TestUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain, broken := filepath.Join(dir, "plain"), filepath.Join(dir, "broken.yaml")
	for _, path := range []string{plain, broken} {
		if err := os.WriteFile(path, []byte("nothing: here\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for says, args := range map[string][]string{
		"expected STACK FILE":        {"update", "s"},
		"expected no arguments":      {"worker", "x"},
		"--parallel 0":               {"worker", "--parallel", "0"},
		"--grace -1s":                {"worker", "--grace", "-1s"},
		"--heartbeat 1ms":            {"worker", "--heartbeat", "1ms"},
		"--history -1":               {"worker", "--history", "-1"},
		"--hook":                     {"worker", "--hook", "ftp://x"},
		"GRAPHRUN_HOOK_SECRET":       {"worker", "--hook", "https://example.org/h"},
		"--task-queue is empty":      {"ps", "--task-queue", ""},
		"belong together":            {"ps", "--tls-cert", plain},
		"--tls-cert: ":               {"ps", "--tls-cert", plain, "--tls-key", plain},
		"--tls-ca: open":             {"ps", "--tls-ca", filepath.Join(dir, "none")},
		"has no certificate":         {"ps", "--tls-ca", plain},
		"--blobs: there is no store": {"ps", "--blobs", "ftp://x/y"},
		"unknown command \"serve\"":  {"serve"},
		"unknown flag":               {"ps", "--db", "x"},
	} {
		got, code := say(t, append(args, "--address", "127.0.0.1:1")...)
		if code != 2 || !strings.Contains(got, says) {
			t.Errorf("%q: exit code %d: %s", args, code, got)
		}
	}
	if got, code := say(t, "update", "s", broken); code != 3 {
		t.Errorf("an invalid graph: exit code %d: %s", code, got)
	}
}

// TestEnvironment: variables stand for flags, and flags win.
func TestEnvironment(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("TEMPORAL_NAMESPACE", "there")
	if got, code := say(t, "ps"); code != 4 || !strings.Contains(got, "at 127.0.0.1:1 ") {
		t.Errorf("exit code %d: %s", code, got)
	}
	address := nobody(t)
	if got, code := say(t, "ps", "--address", address); code != 4 || !strings.Contains(got, "at "+address+" ") {
		t.Errorf("exit code %d: %s", code, got)
	}
	c := &cluster{}
	if got := c.options(); got.Namespace != "there" || got.LargeValues {
		t.Errorf("%+v", got)
	}
	c.namespace, c.blobs = "here", "/blobs"
	if got := c.options(); got.Namespace != "here" || !got.LargeValues {
		t.Errorf("%+v", got)
	}
	isOn := func(want bool, what string) {
		t.Helper()
		got, err := (&cluster{}).tlsConfig()
		if err != nil || (got != nil) != want {
			t.Errorf("%s: TLS %+v, %v", what, got, err)
		}
	}
	isOn(false, "nothing")
	t.Setenv("TEMPORAL_TLS", "false")
	isOn(false, "off")
	t.Setenv("TEMPORAL_API_KEY", "hunter2-hunter2")
	isOn(true, "an API key")
	if got, code := say(t, "ps", "-v"); code != 4 || strings.Contains(got, "hunter2") {
		t.Errorf("exit code %d: %s", code, got)
	}
	t.Setenv("TEMPORAL_API_KEY", "")
	t.Setenv("TEMPORAL_TLS", "true")
	isOn(true, "on")
	t.Setenv("TEMPORAL_TLS", "perhaps")
	if got, code := say(t, "ps"); code != 2 || !strings.Contains(got, "TEMPORAL_TLS") {
		t.Errorf("exit code %d: %s", code, got)
	}
}

// TestWorkerOptions: zero flags mean zero, and not the defaults of the driver.
func TestWorkerOptions(t *testing.T) {
	t.Setenv("GRAPHRUN_HOOK_SECRET", "x")
	f := workerFlags{parallel: 2, heartbeat: time.Second, search: true, hooks: []string{"https://example.org/h"}}
	o := f.options(temporaldriver.Options{TaskQueue: "q"})
	if o.TaskQueue != "q" || o.Parallel != 2 || o.Heartbeat != time.Second || !o.SearchAttributes || o.Post == nil {
		t.Errorf("%+v", o)
	}
	if o.Grace <= 0 || o.Grace > time.Millisecond || o.History >= 0 {
		t.Errorf("grace %s, history %d", o.Grace, o.History)
	}
	if want := []graph.Hook{{URL: "https://example.org/h", Secret: "GRAPHRUN_HOOK_SECRET"}}; len(o.Hooks) != 1 || o.Hooks[0].URL != want[0].URL || o.Hooks[0].Secret != want[0].Secret {
		t.Errorf("hooks %+v", o.Hooks)
	}
	if v, ok := o.Secret("GRAPHRUN_HOOK_SECRET"); !ok || v != "x" {
		t.Error("secrets are not those of the environment")
	}
}

// TestDeploy: the manifests call commands and flags that the program has.
func TestDeploy(t *testing.T) {
	t.Parallel()
	calls := 0
	for _, name := range []string{"temporal-kubernetes.yaml", "temporal-compose.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../../../deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		d := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var doc any
			if d.Decode(&doc) != nil {
				break
			}
			eachCall(doc, func(args []string) {
				calls++
				// Flags are read before a cluster is looked for: a wrong one is exit code 2.
				if got, code := say(t, append(args, "--blobs", t.TempDir(), "--address", nobody(t))...); code != 4 {
					t.Errorf("%s: %q: exit code %d: %s", name, args, code, got)
				}
			})
		}
	}
	if calls != 2 {
		t.Errorf("%d calls of the program in the manifests, expected 2", calls)
	}
}

// eachCall finds lists of arguments that begin with a command of the program.
func eachCall(doc any, fn func(args []string)) {
	switch doc := doc.(type) {
	case map[string]any:
		for _, v := range doc { // in any order: each is its own
			eachCall(v, fn)
		}
	case []any:
		var args []string
		for _, v := range doc {
			eachCall(v, fn)
			if s, ok := v.(string); ok {
				args = append(args, s)
			}
		}
		if len(args) > 0 && args[0] == "worker" {
			fn(args)
		}
	}
}
