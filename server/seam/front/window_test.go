package front

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"

	"glasskv/server/seam/fault"

	"golang.org/x/net/http2"
)

// written is a connection that keeps what is written to it.
type written struct {
	net.Conn
	bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) { return w.Buffer.Write(p) }

func (w *written) Read([]byte) (int, error) { return 0, errors.New("not to be read") }

// The first thing that a client reads are its small windows. What grpc-go announces
// later is made a quarter, below which the client could get stuck.
func TestTheWindowStaysSmall(t *testing.T) {
	var server bytes.Buffer
	framer := http2.NewFramer(&server, nil)
	for _, err := range []error{
		framer.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16384}),
		framer.WriteSettingsAck(),
		framer.WriteData(1, false, []byte("looks like nothing else")),
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}),
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 20_000}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sent := bytes.Clone(server.Bytes())
	for _, cut := range []int{len(sent), 31, 9} { // at ends of frames, as grpc-go writes
		n, to := narrowing{bytes: fault.MinWindow}, &written{}
		for _, p := range [][]byte{sent[:min(cut, len(sent))], sent[min(cut, len(sent)):]} {
			if wrote, err := n.write(to, p); err != nil || wrote != len(p) {
				t.Fatalf("wrote %d of %d: %v", wrote, len(p), err)
			}
		}
		if !bytes.Equal(sent, server.Bytes()) {
			t.Error("the caller's bytes were changed")
		}
		if got := windowsIn(t, &to.Buffer); !slices.Equal(got, []uint32{fault.MinWindow, 1<<18 + 1, fault.MinWindow}) {
			t.Errorf("cut at %d: the client reads windows %v", cut, got)
		}
	}
}

func windowsIn(t *testing.T, from *bytes.Buffer) (all []uint32) {
	framer := http2.NewFramer(nil, from)
	for from.Len() > 0 {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if settings, ok := frame.(*http2.SettingsFrame); ok {
			if window, has := settings.Value(http2.SettingInitialWindowSize); has {
				all = append(all, window)
			}
		}
	}
	return all
}
