package hold

import (
	"encoding/json"
	"fmt"
	"io"

	"glasskv/server/control"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
)

// Printer shows what `glasskv serve` has to show: timelines, and holds.
type Printer struct{ *show.Flags }

// PrintHold writes what there is to see of a request that is held. The server's
// trace endpoint goes into the commands that are named.
func (p Printer) PrintHold(w io.Writer, r *control.Report, endpoint string, typed bool) error {
	if p.JSON() {
		return writeJSON(w, r)
	}
	return Render(w, r, Options{Options: p.Screen(w), Endpoint: endpoint, Typed: typed})
}

// PrintEvent writes what has happened to a request, in a line.
func (p Printer) PrintEvent(w io.Writer, e control.Event) error {
	if p.JSON() {
		return writeJSON(w, e)
	}
	l := p.Lang()
	var text string
	switch {
	case e.Kind == control.Released && e.Hold != nil:
		text = fmt.Sprintf("#%d %s %s: %s", e.Hold.ID, screen.Escape(e.Hold.Stage), request(e.Hold), wentOn(l, e.Ended))
	case e.Kind == control.Passed:
		text = l.Say("A request met a breakpoint and was let through: %d are held already.",
			"有请求到达断点而直接放行：已有 %d 个被停住。", control.MaxHolds)
	case e.Kind == control.FaultChanged && e.Fault != nil && e.Fault.On:
		text = l.Say("Fault %s is on: %s", "故障 %s 已打开：%s", screen.Escape(e.Fault.Name), screen.Escape(l.Pick(e.Fault.EN, e.Fault.ZH)))
	case e.Kind == control.FaultChanged && e.Fault != nil:
		text = l.Say("Fault %s is off", "故障 %s 已关闭", screen.Escape(e.Fault.Name))
	default:
		return nil
	}
	out := screen.NewWriter(w, p.Screen(w))
	out.Line(screen.Held.Paint("■ "), text)
	return out.Close()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
