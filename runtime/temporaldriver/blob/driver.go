package blob

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

const (
	// DriverName is the name and the type of the driver. It stands in histories, so it stays.
	DriverName = "graphrun-blob"

	// Threshold is the size of a payload in bytes from which it travels as a blob.
	Threshold = 64 << 10

	// maxOperations bounds what a client or a worker reads and writes at once, and so its
	// memory: sixteen of the largest blobs are 1 GiB.
	maxOperations = 16

	// operationTimeout is for one blob. The SDK gives no deadline to drivers.
	operationTimeout = time.Minute

	claimHash = "hash"
	claimSize = "size"
)

// ExternalStorage makes payloads of Threshold bytes or more travel as blobs of store. All
// clients, workers and replayers of a namespace need it.
func ExternalStorage(store Store) converter.ExternalStorage {
	return converter.ExternalStorage{
		Drivers:              []converter.StorageDriver{Driver(store)},
		PayloadSizeThreshold: Threshold,
		Concurrency:          converter.ExternalStorageConcurrency{MaxDriverOperations: maxOperations},
	}
}

// Driver keeps payloads as blobs of store. A claim holds the hash and the size of the blob,
// and no word about the store, so a store may move.
//
// A payload of more than MaxSize fails the task that it belongs to, again with every try:
// whoever makes payloads checks their size first.
func Driver(store Store) converter.StorageDriver { return &driver{store} }

type driver struct{ store Store }

func (*driver) Name() string { return DriverName }
func (*driver) Type() string { return DriverName }

// Store puts payloads. See converter.StorageDriver.
func (d *driver) Store(ctx converter.StorageDriverStoreContext, payloads []*common.Payload) ([]converter.StorageDriverClaim, error) {
	return each(ctx.Context, ctx.GetLimiter(), payloads, func(ctx context.Context, p *common.Payload) (converter.StorageDriverClaim, error) {
		// Deterministic, so that equal payloads are one blob.
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
		if err != nil {
			return converter.StorageDriverClaim{}, err
		}
		hash, err := d.store.Put(ctx, b)
		return converter.StorageDriverClaim{ClaimData: map[string]string{claimHash: hash, claimSize: strconv.Itoa(len(b))}}, err
	})
}

// Retrieve gets payloads. See converter.StorageDriver.
func (d *driver) Retrieve(ctx converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*common.Payload, error) {
	return each(ctx.Context, ctx.GetLimiter(), claims, func(ctx context.Context, claim converter.StorageDriverClaim) (*common.Payload, error) {
		hash := claim.ClaimData[claimHash]
		size, err := strconv.ParseInt(claim.ClaimData[claimSize], 10, 64)
		if err != nil || size < 0 || !isHash(hash) {
			return nil, errors.New("a reference in the history is not one to a blob of graphrun; " +
				"another program uses the name " + DriverName + ", or the history was changed")
		}
		if size > MaxSize {
			return nil, tooLarge(hash, size, MaxSize)
		}
		b, err := d.store.Get(ctx, hash)
		if err != nil {
			return nil, err
		}
		if int64(len(b)) != size {
			return nil, damaged(hash, fmt.Sprintf("it has %d bytes, and the history says %d", len(b), size))
		}
		p := &common.Payload{}
		if err := proto.Unmarshal(b, p); err != nil {
			return nil, damaged(hash, "it is not a payload of Temporal")
		}
		return p, nil
	})
}

// limiter is a converter.StorageDriverLimiter.
type limiter[In any] interface {
	Permit(ctx context.Context, item In, fn func() error) error
}

// each does something for all items, as many at once as the limiter permits, and returns
// the results in their order. The first error cancels the rest.
func each[In, Out any](ctx context.Context, limiter limiter[In], items []In, do func(context.Context, In) (Out, error)) ([]Out, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]Out, len(items))
	var all sync.WaitGroup
	for i, item := range items {
		all.Go(func() {
			err := limiter.Permit(ctx, item, func() error {
				ctx, done := context.WithTimeout(ctx, operationTimeout)
				defer done()
				var err error
				out[i], err = do(ctx, item)
				return err
			})
			if err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}
