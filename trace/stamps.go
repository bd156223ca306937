package trace

import (
	"slices"
	"sync/atomic"
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

var oftenStages = [...]Stage{
	OperateHeaders, StartHandler, HandleStream, ProcessRPC, RecvMsg, CodecDecode, Interceptors,
	V3Put, V3Range, ReadWait, ReadRelease, TxnRange,
	SendMsg, CodecEncode, WriteStatus, Flush,
}

var writeStages = [...]Stage{
	V3DeleteRange, V3Txn,
	RaftRequest, ProcessOnce, RaftPropose, RaftWaitReady, RaftHandleReady, RaftCommit,
	ApplyWait, ApplySchedule, ApplyQueue, ApplyEntry, TxnPut, TxnDeleteRange, TxnTxn,
	MVCCBegin, MVCCPut, MVCCDeleteRange, MVCCEnd, WaitTrigger,
}

// seldomStages are all others.
var seldomStages = func() (others [int(NumStages) - len(oftenStages) - len(writeStages)]Stage) {
	i := 0
	for s := range NumStages {
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

var places = func() (all [NumStages]place) {
	for block, list := range [...][]Stage{inOften: oftenStages[:], inWrite: writeStages[:], inSeldom: seldomStages[:]} {
		for i, s := range list {
			all[s] = place{uint8(block), uint8(i)}
		}
	}
	return all
}()

// of returns where a stage is stamped, and takes its block if need be.
func (t *stamps) of(s Stage) *interval {
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
func (t *stamps) find(s Stage) (begin, end int64) {
	p := places[s]
	if p.block == inWrite && t.write.Load() == nil || p.block == inSeldom && t.seldom.Load() == nil {
		return 0, 0
	}
	i := t.of(s)
	return i.begin.Load(), i.end.Load()
}

// each calls visit for all stages that may be stamped, in no particular order.
func (t *stamps) each(visit func(Stage, *interval)) {
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
