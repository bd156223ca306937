package walk

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/walk/tour"
)

// callsMsg brings what a function calls, as far as its source tells.
type callsMsg struct {
	symbol string
	calls  []string
	err    error
}

// callees goes on to what the function calls that is shown: what the chapter names,
// and whatever else its source tells. Reading that takes a moment, so it is done
// beside the keys.
func (m *model) callees() tea.Cmd {
	q, ok := m.quote()
	if !ok {
		m.chooseAmong(chapter.Callee, m.jumpsOf(chapter.Callee))
		return nil
	}
	library := m.library
	return func() tea.Msg {
		calls, err := library.Calls(q.Symbol)
		return callsMsg{q.Symbol, calls, err}
	}
}

// called offers the calls, unless the reader has gone elsewhere meanwhile.
func (m *model) called(msg callsMsg) {
	if q, ok := m.quote(); !ok || q.Symbol != msg.symbol || m.over != nil {
		return
	}
	all := m.jumpsOf(chapter.Callee)
	for _, symbol := range msg.calls {
		j := m.jumpTo(symbol)
		same := func(known tour.Jump) bool { return known.Symbol == symbol || known.Name() == j.Name() }
		if !slices.ContainsFunc(all, same) {
			all = append(all, j)
		}
	}
	if len(all) == 0 && msg.err != nil {
		m.status = missing(msg.err, m.lang)
		return
	}
	m.chooseAmong(chapter.Callee, all)
}

// jumpTo leads to the stage that a function stands for, or else to its source.
func (m *model) jumpTo(symbol string) tour.Jump {
	j := tour.Jump{Kind: chapter.Callee, Stop: -1, Symbol: symbol}
	for _, spec := range trace.Specs() {
		if spec.Upstream.Package+"."+spec.Upstream.Name != symbol || spec.Stage == m.stop().Stage {
			continue
		}
		if i := m.tour.Index(spec.Stage); j.Symbol != "" || i >= 0 {
			j.Stage, j.Stop, j.Symbol = spec.Stage, i, ""
		}
		if j.Stop >= 0 {
			break
		}
	}
	return j
}
