package record

import (
	"slices"
	"sync/atomic"

	"glasskv/trace/stages"
)

type interval struct{ begin, end atomic.Int64 }

// stamps holds a record's begins and ends. There are a hundred stages, of which
// a read passes fifteen and a write thirty, so only those that both pass have
// their place in the record itself. The others come in two blocks, each of which
// is taken when the first of its stages is stamped: memory that a request does
// not use costs it nothing.
type stamps struct {
	often  [len(oftenStages)]interval
	write  atomic.Pointer[[len(writeStages)]interval]
	seldom atomic.Pointer[[len(seldomStages)]interval]
}

var oftenStages = [...]stages.Stage{
	stages.OperateHeaders, stages.StartHandler, stages.HandleStream, stages.ProcessRPC, stages.RecvMsg, stages.CodecDecode, stages.Interceptors,
	stages.V3Put, stages.V3Range, stages.ReadWait, stages.ReadRelease, stages.TxnRange,
	stages.SendMsg, stages.CodecEncode, stages.WriteStatus, stages.Flush,
}

var writeStages = [...]stages.Stage{
	stages.V3DeleteRange, stages.V3Txn,
	stages.RaftRequest, stages.ProcessOnce, stages.RaftPropose, stages.RaftWaitReady, stages.RaftHandleReady, stages.RaftCommit,
	stages.ApplyWait, stages.ApplySchedule, stages.ApplyQueue, stages.ApplyEntry, stages.TxnPut, stages.TxnDeleteRange, stages.TxnTxn,
	stages.MVCCBegin, stages.MVCCPut, stages.MVCCDeleteRange, stages.MVCCEnd, stages.WaitTrigger,
}

// seldomStages are all others.
var seldomStages = func() (others [int(stages.NumStages) - len(oftenStages) - len(writeStages)]stages.Stage) {
	i := 0
	for s := range stages.NumStages {
		if !slices.Contains(oftenStages[:], s) && !slices.Contains(writeStages[:], s) {
			others[i] = s
			i++
		}
	}
	return others
}()

// place says where a stage's stamps are: in which block, and where in it.
type place struct{ block, at uint8 }

const (
	inOften uint8 = iota
	inWrite
	inSeldom
)

var places = func() (all [stages.NumStages]place) {
	for block, list := range [...][]stages.Stage{inOften: oftenStages[:], inWrite: writeStages[:], inSeldom: seldomStages[:]} {
		for i, s := range list {
			all[s] = place{uint8(block), uint8(i)}
		}
	}
	return all
}()

// of returns where a stage is stamped, and takes its block if need be.
func (t *stamps) of(s stages.Stage) *interval {
	switch p := places[s]; p.block {
	case inOften:
		return &t.often[p.at]
	case inWrite:
		return &block(&t.write)[p.at]
	default:
		return &block(&t.seldom)[p.at]
	}
}

// block returns the block that p points to, after it made one if there is none.
// Two goroutines may come at once; both get the same.
func block[T any](p *atomic.Pointer[T]) *T {
	if b := p.Load(); b != nil {
		return b
	}
	p.CompareAndSwap(nil, new(T))
	return p.Load()
}

// find returns a stage's begin and end; zero is "not stamped".
func (t *stamps) find(s stages.Stage) (begin, end int64) {
	p := places[s]
	if p.block == inWrite && t.write.Load() == nil || p.block == inSeldom && t.seldom.Load() == nil {
		return 0, 0
	}
	i := t.of(s)
	return i.begin.Load(), i.end.Load()
}

// each calls visit for all stages that may be stamped, in no particular order.
func (t *stamps) each(visit func(stages.Stage, *interval)) {
	for i, s := range oftenStages {
		visit(s, &t.often[i])
	}
	if b := t.write.Load(); b != nil {
		for i, s := range writeStages {
			visit(s, &b[i])
		}
	}
	if b := t.seldom.Load(); b != nil {
		for i, s := range seldomStages {
			visit(s, &b[i])
		}
	}
}
