package walk

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

// colours are the only sequences that may be written.
var colours = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// hostile is a request of a client that would like to move the cursor.
const hostile = `request /etcdserverpb.KV/Put "OK\x1b[2J" 1.14ms observer=client conn=1 new key="\x1b]0;owned\x07\u202e\n键"
client.dial 0us 268us
net.accept 31us 52us
grpc.serveStreams 266us 1.14ms open
grpc.handleStream 389us 1.091ms
grpc.processRPC 390us 1.090ms
v3rpc.Put 402us 1.074ms
"evil\x1b[H\x9b2J" 405us 406us in=v3rpc.Put
wal.save 566us 876us
wal.sync 573us 875us shared=12
part "/evil\x1b[H/\x1b[2J" OK 600us 700us under=v3rpc.Put key="\x1bc"
net.request 610us 620us part=1
not grpc.handleRawConn "\x1b[H"
`

// Somebody presses keys at random on screens of every size, with the real chapters
// and, where it is on this disk, the real source.
func TestEveryScreenFitsWhateverIsPressed(t *testing.T) {
	keys := []string{
		"right", "left", "n", "p", "g", "G", "up", "down", "pgup", "pgdown", "space", "home", "end", "tab", "[", "]", "s", "c", "e", "h",
		"backspace", "/", "o", "r", "m", "l", "?", "esc", "enter", "1", "2", "w", "键", "\u202e", "x",
	}
	random := rand.New(rand.NewPCG(1, 2))
	requests := []*trace.Timeline{parse(t, hostile), parse(t, hostile)}
	o := newOptions(t.Context(), t)
	s := newStory(t)
	s.model = newModel(t.Context(), o, requests)
	for range 25 {
		size := tea.WindowSizeMsg{Width: 1 + random.IntN(220), Height: 1 + random.IntN(60)}
		s.send(size)
		for range 30 {
			s.press(keys[random.IntN(len(keys))])
			checkScreen(t, s.model)
			if s.left { // Esc where one has to choose
				s.left, s.model = false, newModel(t.Context(), o, requests)
				s.send(size)
			}
		}
	}
}

// Every stage has a screen in both languages, at every stop and beyond.
func TestEveryStageCanBeWalkedTo(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.ZH} {
		for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 160, Height: 50}} {
			t.Run(fmt.Sprintf("%s, %d columns", l, size.Width), func(t *testing.T) {
				s := newStory(t)
				s.model = newModel(t.Context(), newOptions(t.Context(), t), []*trace.Timeline{parse(t, hostile)})
				s.model.lang = l
				s.send(size)
				for _, spec := range trace.Specs() {
					s.model.goTo(spec.Stage)
					s.send(nil)
					checkScreen(t, s.model)
					s.press("tab")
					checkScreen(t, s.model)
				}
			})
		}
	}
}
