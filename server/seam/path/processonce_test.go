package path

import (
	"context"
	"errors"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/stages"
)

func TestWhoWasNotTriggeredDidNotWakeUp(t *testing.T) {
	for name, triggered := range map[string]bool{"by its result": true, "by its own patience": false} {
		t.Run(name, func(t *testing.T) {
			rec, gone := seamtest.Record(t), errors.New("gone")
			once := new(Path).processOnce(func(context.Context, *pb.InternalRaftRequest) (*etcdserver.Result, error) {
				if triggered {
					rec.Begin(stages.WaitTrigger)
				}
				return nil, gone
			})
			if _, err := once(seamtest.Context(t, rec), &pb.InternalRaftRequest{}); !errors.Is(err, gone) {
				t.Errorf("error: %v", err)
			}
			_, ended := rec.Stamps(stages.ProcessOnce)
			if _, woke := rec.Stamps(stages.WaitTrigger); (woke != 0) != triggered || triggered && woke != ended {
				t.Errorf("wait.trigger ends at %d, the wait at %d", woke, ended)
			}
		})
	}
}

// len counts the requests in the table.
func (q *requests) len() (n int) {
	for i := range q.slots {
		if q.slots[i].Load() != nil {
			n++
		}
	}
	return n
}
