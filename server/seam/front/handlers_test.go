package front

import (
	"slices"
	"strings"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/server/v3rpc"
	"glasskv/trace"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
)

// descriptions keeps the descriptions of the services that are registered on it.
type descriptions []*grpc.ServiceDesc

func (d *descriptions) RegisterService(desc *grpc.ServiceDesc, _ any) { *d = append(*d, desc) }

// The table of handlers has all methods of etcd's services, and no others. Each handler's
// stage in the catalogue belongs to a method.
func TestEveryMethodOfEtcdHasTheStageOfItsHandler(t *testing.T) {
	var registered descriptions
	v3rpc.Services{Health: health.NewServer()}.Register(&registered)
	v3lockpb.RegisterLockServer(&registered, nil)
	v3electionpb.RegisterElectionServer(&registered, nil)
	missing := make(map[string]bool)
	for method := range handlerStages {
		missing[method] = true
	}
	for _, d := range registered {
		var methods []string
		for _, m := range d.Methods {
			methods = append(methods, fullMethod(d, m.MethodName))
		}
		for _, s := range d.Streams {
			methods = append(methods, fullMethod(d, s.StreamName))
		}
		etcd := !strings.HasPrefix(d.ServiceName, "grpc.")
		for _, method := range methods {
			if _, ok := handlerStages[method]; ok != etcd {
				t.Errorf("%s: in the table %v, want %v", method, ok, etcd)
			}
			delete(missing, method)
		}
	}
	for method := range missing {
		t.Errorf("%s is in the table, and no service has it", method)
	}

	var used []stages.Stage
	for method, stage := range handlerStages {
		if !stages.IsHandler(stage) {
			t.Errorf("%s has stage %s, which is not a handler's", method, stage)
		}
		used = append(used, stage)
	}
	for stage := stages.FirstHandler; stages.IsHandler(stage); stage++ {
		if !slices.Contains(used, stage) {
			t.Errorf("no method has stage %s", stage)
		}
	}
	if stage := handlerStage("/glass.Greeter/Greet"); stage != stages.GRPCHandler {
		t.Errorf("a method of another service has stage %s", stage)
	}
}

func TestAKeyIsFoundInEveryKindOfRequest(t *testing.T) {
	put := &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte("put"), Value: []byte("123")}}}
	get := &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte("get")}}}
	del := &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: []byte("del")}}}
	for _, c := range []struct {
		msg  any
		key  string
		size int
	}{
		{&pb.PutRequest{Key: []byte("a"), Value: []byte("12")}, "a", 2},
		{&pb.RangeRequest{Key: []byte("b")}, "b", 0},
		{&pb.DeleteRangeRequest{Key: []byte("c")}, "c", 0},
		{&pb.TxnRequest{Success: []*pb.RequestOp{put, get}}, "put", 3},
		{&pb.TxnRequest{Failure: []*pb.RequestOp{get, put}}, "get", 0},
		{&pb.TxnRequest{Success: []*pb.RequestOp{del}, Compare: []*pb.Compare{{Key: []byte("cmp")}}}, "del", 0},
		{&pb.TxnRequest{Compare: []*pb.Compare{{Key: []byte("cmp")}}}, "cmp", 0},
		{&pb.TxnRequest{}, "", 0},
		{&pb.CompactionRequest{}, "", 0},
	} {
		rec := seamtest.Record(t)
		noteRequest(rec, c.msg)
		tl := rec.Timeline()
		if tl.Attributes[trace.AttrKey] != c.key || rec.Facts().ValueSize != c.size {
			t.Errorf("%T %v: key %q, %d bytes", c.msg, c.msg, tl.Attributes[trace.AttrKey], rec.Facts().ValueSize)
		}
	}
}
