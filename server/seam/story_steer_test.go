package seam

import (
	"fmt"
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/stages"
)

// fault NAME [delay=] [streams=] [bytes=] [goroutines=]  switch a fault on
// clear [NAME]      switch it off, or all of them
// struck NAME       wait until it has struck
// spent delay=      whether so much of the last request was a fault.
func init() {
	for name, command := range map[string]func(*story, words) string{
		"fault": (*story).setFault,
		"clear": func(s *story, w words) string {
			if len(w.CmdArgs) == 0 {
				return said(s.observer.Steering().ClearFault(""), "all off") + "\n"
			}
			return said(s.observer.Steering().ClearFault(w.at(0)), "off") + "\n"
		},
		"struck": func(s *story, w words) string { awaitStruck(s, s.observer.Steering(), w.at(0)); return "" },
		"spent":  (*story).spent,
	} {
		commands[name] = command
	}
}

func (s *story) setFault(w words) string {
	err := s.observer.Steering().SetFault(control.Fault{
		Name: w.at(0), Delay: w.named("delay", ""),
		Streams: w.namedNumber("streams"), Bytes: w.namedNumber("bytes"), Goroutines: w.namedNumber("goroutines"),
	})
	if err != nil {
		return err.Error() + "\n"
	}
	return ""
}

// spent checks the ledger against the delay that was asked for.
func (s *story) spent(w words) string {
	delay, err := time.ParseDuration(w.named("delay", ""))
	s.must(err)
	spent := time.Duration(s.last.Timeline().Waited()[stages.Fault.String()])
	if spent < delay {
		return fmt.Sprintf("%v of the request was the fault\n", spent)
	}
	return fmt.Sprintf("at least %v of the request was the fault\n", delay)
}

func (s *story) setBreak(w words) {
	s.must(s.observer.Steering().SetBreak(control.Break{
		Stage: w.at(0), KeyPrefix: w.named("key", ""), Method: w.named("method", ""), Once: w.has("once"),
	}))
}

// caught waits until somebody is held.
func (s *story) caught() string {
	for {
		e := seamtest.Await(s, "somebody held", s.events)
		if e.Kind != control.Held {
			continue
		}
		s.held = e.Hold.ID
		batch := ""
		if e.Hold.With > 0 {
			batch = fmt.Sprintf(", in a batch of %d", e.Hold.With)
		}
		return fmt.Sprintf("%s %q at %s, %s; what waits is the %s%s\n",
			e.Hold.Method, e.Hold.Key, e.Hold.Stage, e.Hold.Why, e.Hold.Lane, batch)
	}
}

// behind tells how many wait behind the one that is held.
func (s *story) behind() string {
	return fmt.Sprintf("%d wait behind it\n", s.observer.Steering().State().Holds[0].HeldUp)
}
