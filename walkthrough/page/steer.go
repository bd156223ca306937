package page

import (
	"context"
	"time"

	"glasskv/server/control"
)

// Steer makes a Control of a server in this process.
func Steer(s control.Steering) Control { return steer{s} }

type steer struct{ s control.Steering }

func (c steer) State(context.Context, time.Duration) (control.State, error) { return c.s.State(), nil }

func (c steer) Hold(_ context.Context, id int) (*control.Report, error) { return c.s.Hold(id) }

func (c steer) Step(_ context.Context, id int) (control.State, error) { return c.after(c.s.Step(id)) }

func (c steer) Continue(_ context.Context, id int) (control.State, error) {
	return c.after(c.s.Continue(id))
}

func (c steer) SetBreak(_ context.Context, b control.Break) (control.State, error) {
	return c.after(c.s.SetBreak(b))
}

func (c steer) ClearBreak(_ context.Context, stage string) (control.State, error) {
	return c.after(c.s.ClearBreak(stage))
}

func (c steer) after(err error) (control.State, error) { return c.s.State(), err }

func (c steer) Faults(context.Context) ([]control.Fault, error) { return c.s.Faults(), nil }

func (c steer) SetFault(_ context.Context, f control.Fault) ([]control.Fault, error) {
	err := c.s.SetFault(f)
	return c.s.Faults(), err
}

func (c steer) ClearFault(_ context.Context, name string) ([]control.Fault, error) {
	err := c.s.ClearFault(name)
	return c.s.Faults(), err
}
