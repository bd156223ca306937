package frames

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/net/http2"
)

// edges feeds bytes in pieces of the given sizes, over and over, and returns the
// heads of the frames that began and of those that ended.
func edges(f Counter, p []byte, sizes ...byte) (begun, ended []Head) {
	for i := 0; len(p) > 0; i++ {
		piece := p[:min(len(p), 1+int(sizes[i%len(sizes)]))]
		p = p[len(piece):]
		for {
			n, edge := f.Next(piece)
			piece = piece[n:]
			if edge == NoEdge {
				break
			}
			if edge == Began {
				begun = append(begun, f.Head)
			} else {
				ended = append(ended, f.Head)
			}
		}
	}
	return begun, ended
}

// conversation is the bytes of a few frames, and their heads.
func conversation(t testing.TB) ([]byte, []Head) {
	var wire bytes.Buffer
	fr := http2.NewFramer(&wire, nil)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}))
	must(fr.WriteSettingsAck())
	must(fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("block")}))
	must(fr.WriteContinuation(1, true, []byte("continued")))
	must(fr.WriteData(1, true, bytes.Repeat([]byte("x"), 300)))
	must(fr.WriteData(3, false, nil))
	must(fr.WriteRSTStream(1<<31-1, http2.ErrCodeCancel))
	return wire.Bytes(), []Head{
		{6, http2.FrameSettings, 0, 0},
		{0, http2.FrameSettings, http2.FlagSettingsAck, 0},
		{5, http2.FrameHeaders, 0, 1},
		{9, http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1},
		{300, http2.FrameData, http2.FlagDataEndStream, 1},
		{0, http2.FrameData, 0, 3},
		{4, http2.FrameRSTStream, 0, 1<<31 - 1},
	}
}

func TestFramesAreFoundHoweverTheBytesAreCut(t *testing.T) {
	wire, want := conversation(t)
	greeted := append([]byte(http2.ClientPreface), wire...)
	for _, size := range []byte{0, 1, 4, 7, 8, 9, 30, 255} {
		for name, c := range map[string]struct {
			Counter Counter
			wire    []byte
		}{"server's": {Counter{}, wire}, "client's": {AfterPreface(), greeted}} {
			begun, ended := edges(c.Counter, c.wire, size)
			if !slices.Equal(begun, want) || !slices.Equal(ended, want) {
				t.Errorf("%s bytes, %d at a time: begun %v, ended %v", name, 1+int(size), begun, ended)
			}
		}
	}
}

func TestTheFirstBitOfAStreamIsReserved(t *testing.T) {
	begun, _ := edges(Counter{}, []byte{0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 255)
	if len(begun) != 1 || begun[0].Stream != 1<<31-1 {
		t.Errorf("head: %v", begun)
	}
}

// FuzzFrames holds that the frames found do not depend on how the bytes are cut,
// that they account for all bytes, and that they are those which x/net/http2
// finds.
func FuzzFrames(f *testing.F) {
	wire, _ := conversation(f)
	f.Add(wire, []byte{0})
	f.Add(wire[:40], []byte{8, 3})
	f.Add([]byte{0, 0, 1}, []byte{1})
	f.Add([]byte{0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 1, 'x'}, []byte{255})
	f.Fuzz(func(t *testing.T, wire, sizes []byte) {
		if len(sizes) == 0 {
			sizes = []byte{0}
		}
		begun, ended := edges(Counter{}, wire, 255, 255)
		cutBegun, cutEnded := edges(Counter{}, wire, sizes...)
		if !slices.Equal(begun, cutBegun) || !slices.Equal(ended, cutEnded) {
			t.Fatalf("whole: %v %v, cut: %v %v", begun, ended, cutBegun, cutEnded)
		}
		total := 0
		for i, h := range ended {
			total += h.Size()
			if h != begun[i] {
				t.Fatalf("frame %d begins as %v and ends as %v", i, begun[i], h)
			}
		}
		if open := len(begun) - len(ended); open > 1 || total > len(wire) || open == 0 && len(wire)-total >= HeadLen {
			t.Fatalf("%d bytes in whole frames, %d frames open, of %d bytes", total, open, len(wire))
		}
		fr := http2.NewFramer(nil, bytes.NewReader(wire))
		fr.SetMaxReadFrameSize(1<<24 - 1)
		for i := 0; ; i++ {
			h, err := fr.ReadFrameHeader()
			if err != nil {
				return
			}
			if want := (Head{h.Length, h.Type, h.Flags, h.StreamID}); begun[i] != want {
				t.Fatalf("frame %d: %v, want %v", i, begun[i], want)
			}
			if int(h.Length) > len(wire) {
				return // it would ask for that much memory before it notices
			}
			if _, err := fr.ReadFrameForHeader(h); err != nil {
				return // what it means is not ours to judge
			}
		}
	})
}
