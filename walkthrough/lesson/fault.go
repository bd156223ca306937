package lesson

import (
	"errors"

	"glasskv/server/control"
)

// Fault switches a fault on or off; `glasskv fault` lists them and what they take.
type Fault struct {
	Set         string  `yaml:"set"`
	Clear       string  `yaml:"clear"`
	Delay       string  `yaml:"delay"`
	Probability float64 `yaml:"probability"`
	Streams     int     `yaml:"streams"`
	Bytes       Size    `yaml:"bytes"`
	Goroutines  int     `yaml:"goroutines"`
}

func (f *Fault) check() error {
	if (f.Set == "") == (f.Clear == "") {
		return errors.New("set one or clear one")
	}
	return nil
}

// fault switches on the lesson's server, in this process. The server knows which
// faults there are, and which parameters make sense.
func (p *player) fault(s *Step) (err error) {
	steering := p.live.Observer().Steering()
	if f := s.Fault; f.Clear != "" {
		err = steering.ClearFault(f.Clear)
	} else {
		err = steering.SetFault(control.Fault{
			Name: f.Set, On: true, Delay: f.Delay, Probability: f.Probability,
			Streams: f.Streams, Bytes: int(f.Bytes), Goroutines: f.Goroutines,
		})
	}
	if err != nil {
		return err
	}
	return p.report(&Event{Name: s.Fault.Set + s.Fault.Clear}, s)
}
