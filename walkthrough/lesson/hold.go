package lesson

import (
	"errors"
	"time"

	"glasskv/server/control"
)

// Hold sets a breakpoint where a stage begins, or clears it; `glasskv stages` marks
// the stages that can be held. Requests that are held go on by themselves after
// Timeout: a lesson is not interactive while it makes requests.
type Hold struct {
	At      string        `yaml:"at"` // the stage
	Clear   string        `yaml:"clear"`
	Key     string        `yaml:"key"` // only requests whose key begins so
	Method  string        `yaml:"method"`
	Timeout time.Duration `yaml:"timeout"`
	Once    bool          `yaml:"once"` // only the first request
}

func (h *Hold) check() error {
	switch {
	case (h.At == "") == (h.Clear == ""):
		return errors.New("at a stage, or clear one")
	case !isStage(h.At + h.Clear):
		return errors.New("no such stage: see glasskv stages")
	case h.At != "" && h.Timeout <= 0:
		return errors.New("timeout: how long is a request held?")
	}
	return nil
}

// hold sets or clears a breakpoint of the lesson's server, in this process.
func (p *player) hold(s *Step) (err error) {
	steering := p.live.Observer().Steering()
	if h := s.Hold; h.Clear != "" {
		err = steering.ClearBreak(h.Clear)
	} else {
		err = steering.SetBreak(control.Break{
			Stage: h.At, KeyPrefix: h.Key, Method: h.Method, Timeout: control.Duration(h.Timeout), Once: h.Once,
		})
	}
	if err != nil {
		return err
	}
	return p.report(&Event{Stage: s.Hold.At + s.Hold.Clear}, s)
}
