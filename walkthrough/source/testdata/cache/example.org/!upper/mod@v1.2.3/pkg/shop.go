// Package pkg is what the tests cut excerpts out of. Behind a line stands the
// anchor that marks it, with the number of lines when it is more than one.
package pkg

import (
	"context"
	"fmt"
	"sync"
)

// Box holds one thing.
type Box[T any] struct {
	sync.Mutex     // <- at field Mutex
	thing, other T // <- at field other
	inner        struct {
		depth int // <- at field depth
	}
}

// Opener opens.
type Opener interface {
	fmt.Stringer                    // <- at method Stringer
	Open(ctx context.Context) error // <- at method Open
	Close() error
}

const Limit = 7

var Names = map[string]func(){
	"new": func() { New(Limit) }, // <- at call New
}

type (
	Counter int
	Pair    [2]int
)

// New makes nothing of a limit.
func New(limit int) int { return limit }

func (b *Box[T]) Put(thing T) {
	b.thing = thing // <- at assign thing
}

func (b Box[T]) Get() T { return b.thing }

func (c Counter) String() string {
	switch { // <- at switch | 6
	case c < 0: // <- at case c < 0 | 2
		return "owed" // <- at return "owed"
	case c == 1, c == 2: // <- at case c == 2 | 2
		return "few"
	}
	return fmt.Sprint(int(c)) // <- at return 3
}

func Serve(ctx context.Context, jobs, spare <-chan func() error, done chan<- int, m map[string]int) (err error) {
	defer close(done) // <- at defer
	defer func() {    // <- at defer 2
		m["a"]++ // <- at assign m
		m["b"]++ // <- at assign m 2
		m["c"]++
		m["d"]++
		m["e"]++
		m["f"]++
		m["g"]++
		m["h"]++
		m["i"]++
		m["j"]++
		m["k"]++
		m["l"]++
	}()
	for { // <- at for
		select { // <- at select
		case job := <-jobs: // <- at case <-jobs | 8
			if err := job(); err != nil { // <- at call job
				return err
			}
			go func() { // <- at go | 4
				done <- 1 // <- at send done
				done <- 2 // <- at send done 2
			}()
		case <-ctx.Done(): // <- at call Done
			return context.Cause(ctx)
		default: // <- at case default | 4
			select { // <- at select 2 | 3
			case <-spare: // <- at recv spare
			}
		}
		if len(m) > 3 && Get[int](m) { // <- at if len(m) | 3
			break
		}
		total := 0         // <- at assign total
		for range len(m) { // <- at for range | 3
			total += New(New(total)) // <- at call New
		}
	}
	return fmt.Errorf( // <- at call fmt.Errorf | 4
		"%d of %d",
		len(m), Limit,
	)
}

func Get[T any](m map[string]T) bool {
	switch any(m["a"]).(type) {
	case nil: // <- at case nil | 2
		return false
	}
	var found, lost bool // <- at assign lost
	return found || lost
}
