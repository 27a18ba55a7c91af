package blob

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func payload(data []byte) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/plain"), "a": []byte("b"), "c": nil}, Data: data}
}

// asks sends payloads through the SDK's handler for them, which treats them as clients and
// workers do.
func asks(t interface{ Fatal(...any) }, handler http.Handler, path string, payloads []*common.Payload) ([]*common.Payload, string) {
	body, err := protojson.Marshal(&common.Payloads{Payloads: payloads})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	if w.Code != http.StatusOK {
		return nil, w.Body.String()
	}
	var got common.Payloads
	if err := protojson.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got.Payloads, ""
}

func handler(t *testing.T, store Store) http.Handler {
	t.Helper()
	h, err := converter.NewPayloadHTTPHandler(converter.PayloadHTTPHandlerOptions{ExternalStorage: ExternalStorage(store)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]Store{"folder": folder(t), "s3": newS3(t).store(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := handler(t, store)
			whole := payload([]byte(strings.Repeat("x", Threshold)))
			rest := proto.Size(whole) - Threshold
			below := payload(whole.Data[:Threshold-rest-1])
			at := payload(whole.Data[:Threshold-rest])
			if proto.Size(at) != Threshold || proto.Size(below) != Threshold-1 {
				t.Fatalf("the payloads have %d and %d bytes", proto.Size(at), proto.Size(below))
			}
			in := []*common.Payload{below, at, payload(nil), whole, at}
			sent, failed := asks(t, h, "/encode", in)
			if failed != "" {
				t.Fatal(failed)
			}
			for i, p := range sent {
				if large := proto.Size(in[i]) >= Threshold; large == proto.Equal(p, in[i]) || (large && proto.Size(p) > 1000) {
					t.Errorf("payload %d: %d bytes became %d", i, proto.Size(in[i]), proto.Size(p))
				}
			}
			if !proto.Equal(sent[1], sent[4]) {
				t.Error("equal payloads have two blobs")
			}
			got, failed := asks(t, h, "/decode", sent)
			if failed != "" {
				t.Fatal(failed)
			}
			for i := range in {
				if !proto.Equal(got[i], in[i]) {
					t.Errorf("payload %d is another one", i)
				}
			}
		})
	}
}

// TestPayloadsProperty: what goes in comes out, in its order.
func TestPayloadsProperty(t *testing.T) {
	t.Parallel()
	h := handler(t, folder(t))
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 2*Threshold), 0, 12).Draw(t, "sizes")
		fill := rapid.Byte().Draw(t, "fill")
		var in []*common.Payload
		for i, size := range sizes {
			in = append(in, &common.Payload{
				Metadata: rapid.MapOfN(rapid.StringMatching(`[a-z]{1,5}`), rapid.SliceOfN(rapid.Byte(), 0, 9), 0, 4).Draw(t, "metadata"),
				Data:     bytes.Repeat([]byte{fill, byte(i)}, size/2),
			})
		}
		sent, failed := asks(t, h, "/encode", in)
		if failed != "" {
			t.Fatal(failed)
		}
		got, failed := asks(t, h, "/decode", sent)
		if failed != "" || len(got) != len(in) {
			t.Fatalf("got %d of %d: %s", len(got), len(in), failed)
		}
		for i := range in {
			if proto.Size(sent[i]) >= Threshold || !proto.Equal(got[i], in[i]) {
				t.Fatalf("payload %d of %d bytes became %d and %d", i, proto.Size(in[i]), proto.Size(sent[i]), proto.Size(got[i]))
			}
		}
	})
}

func TestMissingPayload(t *testing.T) {
	t.Parallel()
	sent, failed := asks(t, handler(t, folder(t)), "/encode", []*common.Payload{payload(make([]byte, Threshold))})
	if failed != "" {
		t.Fatal(failed)
	}
	_, failed = asks(t, handler(t, folder(t)), "/decode", sent)
	for _, want := range []string{DriverName, "no such blob", "same store"} {
		if !strings.Contains(failed, want) {
			t.Errorf("got %q, want %q in it", failed, want)
		}
	}
}

func TestTooLargePayload(t *testing.T) {
	t.Parallel()
	f := folder(t)
	_, err := Driver(f).Store(converter.StorageDriverStoreContext{Context: t.Context()}, []*common.Payload{payload(make([]byte, MaxSize))})
	wantError(t, err, ErrTooLarge, "at most 67108864", "write the value to a file")
	if all := names(t, f.dir); len(all) != 0 {
		t.Errorf("got %v", all)
	}
}

func TestStrangeClaims(t *testing.T) {
	t.Parallel()
	f := folder(t)
	text := put(t, f, "no payload")
	for name, c := range map[string]struct {
		claim map[string]string
		is    error
		want  string
	}{
		"none":         {nil, nil, "not one to a blob"},
		"no size":      {map[string]string{"hash": text}, nil, "not one to a blob"},
		"a path":       {map[string]string{"hash": "../../secret", "size": "1"}, nil, "not one to a blob"},
		"minus":        {map[string]string{"hash": text, "size": "-1"}, nil, "not one to a blob"},
		"too large":    {map[string]string{"hash": text, "size": strconv.Itoa(MaxSize + 1)}, ErrTooLarge, "at most"},
		"other size":   {map[string]string{"hash": text, "size": "11"}, ErrDamaged, "10 bytes, and the history says 11"},
		"no payload":   {map[string]string{"hash": text, "size": "10"}, ErrDamaged, "not a payload"},
		"a later word": {map[string]string{"hash": Hash(nil), "size": "0", "more": "x"}, ErrNotFound, ""},
	} {
		_, err := Driver(f).Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()}, []converter.StorageDriverClaim{{ClaimData: c.claim}})
		if wantError(t, err, c.is, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
}

// narrow permits two operations at once, and counts.
type narrow[T any] struct {
	slots chan struct{}

	mu   sync.Mutex
	most int
	all  int
}

func (n *narrow[T]) Permit(ctx context.Context, _ T, fn func() error) error {
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	n.mu.Lock()
	n.all++
	n.most = max(n.most, len(n.slots))
	n.mu.Unlock()
	defer func() { <-n.slots }()
	return fn()
}

// failing is a Store that fails at its nth Put, and whose Gets wait for the end of their
// context.
type failing struct {
	mu   sync.Mutex
	puts int
	nth  int
}

var errFull = errors.New("full")

func (f *failing) Put(ctx context.Context, b []byte) (string, error) {
	if _, ok := ctx.Deadline(); !ok {
		return "", errors.New("no deadline")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.puts++; f.puts == f.nth {
		return "", errFull
	}
	return Hash(b), nil
}

func (f *failing) Get(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestDriverKeepsToLimits(t *testing.T) {
	t.Parallel()
	var in []*common.Payload
	for i := range 20 {
		in = append(in, payload([]byte{byte(i)}))
	}
	f := folder(t)
	puts := &narrow[*common.Payload]{slots: make(chan struct{}, 2)}
	claims, err := Driver(f).Store(converter.StorageDriverStoreContext{Context: t.Context(), Limiter: puts}, in)
	if err != nil {
		t.Fatal(err)
	}
	gets := &narrow[converter.StorageDriverClaim]{slots: make(chan struct{}, 2)}
	got, err := Driver(f).Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context(), Limiter: gets}, claims)
	if err != nil {
		t.Fatal(err)
	}
	for i := range in {
		if !proto.Equal(got[i], in[i]) {
			t.Errorf("payload %d is another one", i)
		}
	}
	if puts.all != 20 || puts.most > 2 || gets.all != 20 || gets.most > 2 {
		t.Errorf("got %d puts, %d at once, %d gets, %d at once", puts.all, puts.most, gets.all, gets.most)
	}
}

func TestDriverStopsAtAnError(t *testing.T) {
	t.Parallel()
	in := make([]*common.Payload, 200)
	for i := range in {
		in[i] = payload([]byte{byte(i)})
	}
	store := &failing{nth: 3}
	limiter := &narrow[*common.Payload]{slots: make(chan struct{}, 1)}
	_, err := Driver(store).Store(converter.StorageDriverStoreContext{Context: t.Context(), Limiter: limiter}, in)
	wantError(t, err, errFull)
	if store.puts == len(in) {
		t.Error("an error did not cancel the rest")
	}

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		claim := converter.StorageDriverClaim{ClaimData: map[string]string{"hash": Hash(nil), "size": "0"}}
		_, err := Driver(store).Retrieve(converter.StorageDriverRetrieveContext{Context: ctx}, []converter.StorageDriverClaim{claim, claim})
		done <- err
	}()
	cancel()
	wantError(t, <-done, context.Canceled)
}
