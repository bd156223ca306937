package hostile

import (
	"context"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// headersWithoutEnd opens a stream with a header block that goes on for ever.
func headersWithoutEnd(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		if err := a.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.encode(put())}); err != nil {
			return err
		}
		if err := untilRefused(w.size(1<<10, 16<<10), func(i int) error { // 16 MiB, 256 MiB
			return a.framer.WriteContinuation(1, false, a.encode([]hpack.HeaderField{{
				Name: "x-" + strconv.Itoa(i), Value: strings.Repeat("v", 16<<10-64), Sensitive: true,
			}}))
		}); err != nil {
			return err
		}
		return a.mustHangUp()
	})
}

// continuationFlood sends CONTINUATION frames that hold nothing.
func continuationFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		if err := a.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.encode(put())}); err != nil {
			return err
		}
		return untilRefused(w.size(20_000, 1_000_000), func(int) error {
			return a.framer.WriteContinuation(1, false, nil)
		})
	})
}

// hugeHeaders sends requests with 64 KiB of headers each.
func hugeHeaders(ctx context.Context, w world) error {
	value := strings.Repeat("v", 4<<10)
	var more []hpack.HeaderField
	for i := range 16 {
		more = append(more, hpack.HeaderField{Name: "x-huge-" + strconv.Itoa(i), Value: value, Sensitive: true})
	}
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(200, 5_000), func(i int) error { return a.open(uint32(2*i+1), put(more...)) })
	})
}

// dataNowhere sends DATA on streams that were never opened, and on one that is
// over.
func dataNowhere(ctx context.Context, w world) error {
	for range w.size(20, 200) {
		if err := w.attack(ctx, func(a *attacker) error {
			if err := a.open(1, put()); err != nil {
				return err
			}
			if err := a.framer.WriteRSTStream(1, http2.ErrCodeCancel); err != nil {
				return err
			}
			return untilRefused(100, func(i int) error {
				return a.framer.WriteData([]uint32{1, 3, 1001, 4}[i%4], i%2 == 0, []byte("nowhere"))
			})
		}); err != nil {
			return err
		}
	}
	return nil
}

// windowOverflow raises the windows beyond what HTTP/2 allows.
func windowOverflow(ctx context.Context, w world) error {
	for i := range w.size(20, 200) {
		if err := w.attack(ctx, func(a *attacker) error {
			if err := a.open(1, put()); err != nil {
				return err
			}
			return untilRefused(100, func(int) error {
				return a.framer.WriteWindowUpdate(uint32(i%2), 1<<31-1)
			})
		}); err != nil {
			return err
		}
	}
	return nil
}
