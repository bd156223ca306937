package demo

import (
	"context"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

// scene is one request of the demo. The introduction is said when the request
// is over; its timeline is nil when the scenes are only listed.
type scene struct {
	name    string
	request func(*requests, context.Context) (*trace.Timeline, error)
	intro   func(lang.Lang, *trace.Timeline) string
}

// The names of the first scene, which opens the connection, and of the last,
// which is a table of many requests.
const (
	scenePut   = "put"
	sceneTable = "table"
)

// scenes stand in the order in which they are shown; the table follows.
var scenes = []scene{
	{scenePut, (*requests).put, always(
		"A Put on a new connection: before the request can leave, accept, handleRawConn and serveStreams have to happen, once.",
		"新连接上的一次 Put：请求发出之前，accept、handleRawConn、serveStreams 要先走一遍，而且只走这一遍。")},
	{"reused", (*requests).put, always(
		"A Put on the same connection: it is reused, and only the request's own stages are left.",
		"同一连接上的又一次 Put：连接被复用，只剩下请求自己的阶段。")},
	{"range", (*requests).read, always(
		"A linearizable Range: nothing goes to the log, but the server first asks raft how far it has to have applied.",
		"一次线性一致的 Range：不写日志，但服务器先要向 raft 确认自己应当应用到哪里。")},
	{"unknown", (*requests).unknown, always(
		"A call to a method that does not exist: no handler runs, and yet the request has its timeline.",
		"调用一个不存在的方法：没有任何 handler 运行，请求却同样有自己的时间线。")},
	{"shared", (*requests).shared, introduceShared},
}

func always(en, zh string) func(lang.Lang, *trace.Timeline) string {
	return func(l lang.Lang, _ *trace.Timeline) string { return l.Pick(en, zh) }
}

func introduceShared(l lang.Lang, t *trace.Timeline) string {
	if t == nil {
		return l.Say("One of %d Puts at the same moment, which share an fsync.", "%d 个并发 Put 之一，它们共用一次 fsync。", together)
	}
	return l.Say(
		"One of %d Puts at the same moment: %d of them went to the disk together, in one fdatasync.",
		"%d 个并发 Put 之一：其中 %d 个在同一次 fdatasync 里一起落盘。", together, sharedBy(t))
}

func introduceTable(l lang.Lang) string {
	return l.Say(
		"%d Puts, one after the other: each stage's median, and what one request in a hundred exceeds.",
		"依次执行 %d 次 Put：每个阶段的中位数，以及只有百分之一的请求会超过的时间（p99）。", series)
}
