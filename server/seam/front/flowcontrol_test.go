package front

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"testing"

	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
)

// flow is a connection whose frames a test makes up.
type flow struct {
	*serverConn
	t *testing.T
}

func newFlow(t *testing.T) flow {
	c := &serverConn{}
	c.windows.reset()
	return flow{c, t}
}

// reply begins a reply that is ready, and waits for the connection's writer.
func (f flow) reply(id uint32) *stream {
	recorder := record.NewRecorder(record.Options{})
	f.t.Cleanup(func() { _ = recorder.Close(f.t.Context()) })
	s := &stream{rec: recorder.Start(nil, id, record.Now()), conn: f.serverConn}
	s.rec.Begin(stages.Flush)
	s.written.Add(1)
	f.streams.add(s)
	return s
}

func (f flow) data(s *stream, bytes uint32) {
	f.noteData(s, frames.Head{Length: bytes, Kind: http2.FrameData, Stream: s.rec.StreamID()})
}

// allow grants more bytes: to a stream, or with none to the connection.
func (f flow) allow(s *stream, bytes uint32) {
	h := frames.Head{Length: 4, Kind: http2.FrameWindowUpdate}
	if s != nil {
		h.Stream = s.rec.StreamID()
	}
	f.noteWindowChange(h, binary.BigEndian.AppendUint32(nil, bytes))
}

func (f flow) initial(bytes uint32) {
	setting := binary.BigEndian.AppendUint16(nil, uint16(http2.SettingInitialWindowSize))
	f.noteWindowChange(frames.Head{Length: frames.SettingLen, Kind: http2.FrameSettings}, binary.BigEndian.AppendUint32(setting, bytes))
}

func (f flow) waits(s *stream, want int) {
	f.t.Helper()
	if got := len(rows(s.rec.Timeline(), stages.FlowControl)); got != want {
		f.t.Errorf("stream %d waited %d times, want %d", s.rec.StreamID(), got, want)
	}
}

func TestAReplyWithinItsWindowsDoesNotWait(t *testing.T) {
	f := newFlow(t)
	s := f.reply(1)
	for range 3 {
		f.data(s, 16384)
	}
	f.waits(s, 0)
}

func TestAReplyWaitsForItsStreamsWindow(t *testing.T) {
	f := newFlow(t)
	f.initial(100)
	s := f.reply(1)
	f.data(s, 100)
	f.waits(s, 0) // it may have been all
	f.allow(s, 50)
	f.data(s, 50)
	f.waits(s, 1)
	f.initial(200) // for the streams under way as well
	f.data(s, 20)
	f.waits(s, 2)
	f.data(s, 20)
	f.waits(s, 2)
}

func TestRepliesWaitForTheConnectionsWindow(t *testing.T) {
	f := newFlow(t)
	f.initial(1 << 20)
	first, second := f.reply(1), f.reply(3)
	for range 3 {
		f.data(first, 16384)
	}
	f.data(first, frames.DefaultWindow-3*16384)
	f.allow(nil, 32768)
	f.data(second, 16384)
	f.waits(first, 1)
	f.waits(second, 1)
	f.data(first, 16383)
	f.waits(first, 1)
}

func TestAReplyThatIsGivenUpHadWaited(t *testing.T) {
	f := newFlow(t)
	f.initial(10)
	s := f.reply(1)
	f.data(s, 10)
	f.endFlowControl(s)
	f.waits(s, 1)
	f.endFlowControl(s) // by whoever comes second
	f.waits(s, 1)
}

// What cannot be known is not shown.
func TestAFrameThatWasNotSeenWholeEndsTheSums(t *testing.T) {
	f := newFlow(t)
	f.noteWindowChange(frames.Head{Length: 4, Kind: http2.FrameWindowUpdate}, nil)
	s := f.reply(1)
	f.data(s, frames.DefaultWindow)
	f.data(s, 1)
	f.waits(s, 0)
}

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
	const smallest = frames.DefaultWindow/4 + 1   // that small-window takes
	for _, cut := range []int{len(sent), 31, 9} { // at ends of frames, as grpc-go writes
		n, to := narrowing{bytes: smallest}, &written{}
		for _, p := range [][]byte{sent[:min(cut, len(sent))], sent[min(cut, len(sent)):]} {
			if wrote, err := n.write(to, p); err != nil || wrote != len(p) {
				t.Fatalf("wrote %d of %d: %v", wrote, len(p), err)
			}
		}
		if !bytes.Equal(sent, server.Bytes()) {
			t.Error("the caller's bytes were changed")
		}
		if got := windowsIn(t, &to.Buffer); !slices.Equal(got, []uint32{smallest, 1<<18 + 1, smallest}) {
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
