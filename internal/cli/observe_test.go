package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is an OpenTelemetry collector that keeps what it is sent.
type collector struct {
	*httptest.Server

	mu      sync.Mutex
	spans   map[string]int // by name
	metrics map[string]bool
	service string
	all     string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{spans: map[string]int{}, metrics: map[string]bool{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.take(r.URL.Path, body)
		}
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(path string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all += string(body)
	switch path {
	case "/v1/traces":
		var in coltrace.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil {
			return err
		}
		for _, r := range in.GetResourceSpans() {
			for _, a := range r.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					c.service = a.GetValue().GetStringValue()
				}
			}
			for _, s := range r.GetScopeSpans() {
				for _, sp := range s.GetSpans() {
					c.spans[sp.GetName()]++
				}
			}
		}
	case "/v1/metrics":
		var in colmetrics.ExportMetricsServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil {
			return err
		}
		for _, r := range in.GetResourceMetrics() {
			for _, s := range r.GetScopeMetrics() {
				for _, m := range s.GetMetrics() {
					c.metrics[m.GetName()] = true
				}
			}
		}
	}
	return nil
}

// A server sends traces and metrics where the OTEL_ variables say, and nothing of the state.
func TestServeIsObserved(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	graph := strings.Replace(tickGraph, "{n: 1}", `{n: 1, text: "words-of-the-state"}`, 1)
	s := served{start(t, map[string]string{"tick.yaml": graph},
		"env", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_SERVICE_NAME=shop", "OTEL_BSP_SCHEDULE_DELAY=50",
		"graphrun", "serve", "--listen", "off", "tick.yaml")}
	s.await("stderr", "msg=serving")
	s.must("start", "tick")
	s.until("spans", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.spans["cycle tick"] > 1 && c.spans["wave 1"] > 0 && c.spans["count"] > 0
	})
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service != "shop" {
		t.Errorf("the service is %q", c.service)
	}
	for _, name := range []string{"graphrun.cycles", "graphrun.attempts", "graphrun.attempt.duration"} { // sent at the end
		if !c.metrics[name] {
			t.Errorf("no metric %s among %v", name, c.metrics)
		}
	}
	if strings.Contains(c.all, "words-of-the-state") {
		t.Error("something of the state was sent")
	}
}

// A collector that cannot be reached stops nothing, and the log says so once.
func TestServeWithoutItsCollector(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	c.Close()
	s := served{start(t, map[string]string{"tick.yaml": tickGraph},
		"env", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_BSP_SCHEDULE_DELAY=20", "OTEL_EXPORTER_OTLP_TIMEOUT=50",
		"graphrun", "serve", "--listen", "off", "tick.yaml")}
	s.await("stderr", "msg=serving")
	s.must("start", "tick")
	s.await("stderr", "could not be sent")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(s.read("stderr"), "could not be sent"); n != 1 {
		t.Errorf("said %d times:\n%s", n, s.read("stderr"))
	}
}

func TestServeRefusesVariables(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER": "jaeger", "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, map[string]string{"tick.yaml": tickGraph}, "env", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", name+"="+value,
				"graphrun", "serve", "--listen", "off", "tick.yaml")
			if code := s.wait(); code != 2 {
				t.Errorf("exit code %d", code)
			}
			if text := s.read("stderr"); !strings.Contains(text, name) || !strings.Contains(text, value) {
				t.Errorf("it says %q", text)
			}
		})
	}
}
