package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

// The files of deploy/ name flags that there are, and what they say of ports, folders and
// users fits together and to the Dockerfile.

// mustBeServe checks the arguments of a server, and returns its flags.
func mustBeServe(t *testing.T, args []string) map[string]string {
	t.Helper()
	root := newRoot(&app{out: &dataWriter{w: io.Discard}, err: io.Discard})
	cmd, rest, err := root.Find(args)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	if paths := cmd.Flags().Args(); cmd.Name() != "serve" || !slices.Equal(paths, []string{"/graphs"}) {
		t.Errorf("%q: the command %q with %q", args, cmd.Name(), paths)
	}
	out := map[string]string{}
	for _, name := range []string{"listen", "insecure", "grace", "host"} {
		out[name] = cmd.Flags().Lookup(name).Value.String()
	}
	if out["listen"] != "0.0.0.0:7878" || out["insecure"] != "true" {
		t.Errorf("%q: %v", args, out)
	}
	return out
}

func deployed(t *testing.T, name string, into ...any) {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for _, v := range into {
		if err := dec.Decode(v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Errorf("%s has more documents than the test knows (%v)", name, err)
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	for line := range strings.Lines(string(text)) {
		for _, word := range []string{"ENTRYPOINT ", "CMD "} {
			if list, ok := strings.CutPrefix(strings.TrimSpace(line), word); ok {
				var words []string
				if err := yaml.Unmarshal([]byte(list), &words); err != nil {
					t.Fatal(err)
				}
				args = append(args, words...)
			}
		}
	}
	if len(args) == 0 || args[0] != "/usr/local/bin/graphrun" {
		t.Fatalf("it runs %q", args)
	}
	mustBeServe(t, args[1:])
}

func TestCompose(t *testing.T) {
	t.Parallel()
	var file struct {
		Services map[string]struct {
			Build     string
			Command   []string
			Ports     []string
			Volumes   []string
			StopGrace string `yaml:"stop_grace_period"`
		}
		Volumes map[string]any
	}
	deployed(t, "deploy/compose.yaml", &file)
	s := file.Services["graphrun"]
	if mustBeServe(t, s.Command)["grace"] != "20s" || s.StopGrace != "30s" {
		t.Errorf("it has %s to end, %q", s.StopGrace, s.Command)
	}
	if _, named := file.Volumes["store"]; !named || !slices.Contains(s.Volumes, "store:/var/lib/graphrun") || !slices.Contains(s.Volumes, "../graphs:/graphs:ro") {
		t.Errorf("its folders are %q of %v", s.Volumes, file.Volumes)
	}
	if !slices.Equal(s.Ports, []string{"127.0.0.1:7878:7878"}) {
		t.Errorf("its ports are %q", s.Ports)
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	type probe struct {
		HTTPGet struct {
			Path, Port  string
			HTTPHeaders []struct{ Name, Value string } `yaml:"httpHeaders"`
		} `yaml:"httpGet"`
	}
	var (
		config struct{ Data map[string]string }
		secret struct{ Metadata struct{ Name string } }
		access struct {
			Spec struct {
				Ports []struct {
					Port       int
					TargetPort string `yaml:"targetPort"`
				}
			}
		}
		set struct {
			Spec struct {
				Replicas int
				Template struct {
					Spec struct {
						Grace      int `yaml:"terminationGracePeriodSeconds"`
						Containers []struct {
							Args    []string
							EnvFrom []struct {
								SecretRef struct{ Name string } `yaml:"secretRef"`
							} `yaml:"envFrom"`
							Ports []struct {
								Name string
								Port int `yaml:"containerPort"`
							}
							Liveness  probe `yaml:"livenessProbe"`
							Readiness probe `yaml:"readinessProbe"`
							Startup   probe `yaml:"startupProbe"`
							Mounts    []struct {
								Name string
								Path string `yaml:"mountPath"`
							} `yaml:"volumeMounts"`
						}
						Volumes []struct {
							Name      string
							ConfigMap struct{ Name string } `yaml:"configMap"`
						}
					}
				}
				Claims []struct {
					Metadata struct{ Name string }
				} `yaml:"volumeClaimTemplates"`
			}
		}
	)
	deployed(t, "deploy/kubernetes.yaml", &config, &secret, &access, &set)
	if set.Spec.Replicas != 1 {
		t.Errorf("%d replicas", set.Spec.Replicas)
	}
	for name, text := range config.Data {
		if _, problems := dsl.Compile(name, []byte(text), std.Registry()); problems.Err() != nil {
			t.Errorf("%s: %v", name, problems.Err())
		}
	}
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if flags := mustBeServe(t, c.Args); flags["grace"] != "20s" || flags["host"] != "[graphrun]" || pod.Grace != 30 {
		t.Errorf("flags %v, %d s to end", flags, pod.Grace)
	}
	if c.EnvFrom[0].SecretRef.Name != secret.Metadata.Name {
		t.Errorf("the secrets are those of %q", c.EnvFrom[0].SecretRef.Name)
	}
	if p := access.Spec.Ports[0]; p.Port != 7878 || p.TargetPort != c.Ports[0].Name || c.Ports[0].Port != 7878 {
		t.Errorf("ports %+v and %+v", p, c.Ports)
	}
	for path, probes := range map[string][]probe{"/healthz": {c.Liveness, c.Startup}, "/readyz": {c.Readiness}} {
		for _, p := range probes {
			if h := p.HTTPGet.HTTPHeaders; p.HTTPGet.Path != path || p.HTTPGet.Port != c.Ports[0].Name || len(h) != 1 || h[0].Name != "Host" || h[0].Value != "localhost" {
				t.Errorf("a probe %+v, want %s", p, path)
			}
		}
	}
	there := []string{}
	for _, v := range pod.Volumes {
		there = append(there, v.Name)
	}
	for _, v := range set.Spec.Claims {
		there = append(there, v.Metadata.Name)
	}
	paths := []string{}
	for _, m := range c.Mounts {
		paths = append(paths, m.Path)
		if !slices.Contains(there, m.Name) {
			t.Errorf("nothing is mounted at %s: there are %q", m.Path, there)
		}
	}
	for _, want := range []string{"/graphs", "/var/lib/graphrun", "/tmp"} {
		if !slices.Contains(paths, want) {
			t.Errorf("nothing is mounted at %s", want)
		}
	}
}
