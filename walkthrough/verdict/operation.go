package verdict

import (
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// verbs has short names for the methods of etcd's KV service.
var verbs = map[string]string{
	"/etcdserverpb.KV/Put":         "PUT",
	"/etcdserverpb.KV/Range":       "RANGE",
	"/etcdserverpb.KV/DeleteRange": "DELETE",
	"/etcdserverpb.KV/Txn":         "TXN",
	"/etcdserverpb.KV/Compact":     "COMPACT",
}

// Operation names a request: "PUT greeting", or the method's full name. The key is
// escaped; of a redacted key it has the size. A connection that never carried a request is
// named by its peer.
func Operation(t *trace.Timeline, l lang.Lang) string {
	if t.Attributes[trace.AttrFailedConn] != "" {
		return l.Say("connection from %s", "来自 %s 的连接", screen.Escape(t.Connection.Peer))
	}
	verb, known := verbs[t.Method]
	if !known {
		verb = screen.Escape(strings.TrimPrefix(t.Method, "/"))
	}
	if verb == "" {
		verb = l.Pick("(a request without a name)", "（没有名字的请求）")
	}
	switch key, size := t.Attributes[trace.AttrKey], t.Attributes[trace.AttrKeySize]; {
	case key != "":
		return verb + " " + screen.Quote(key)
	case size != "":
		return verb + l.Say(" (key of %s bytes)", "（key 长 %s 字节）", screen.Escape(size))
	}
	return verb
}

// PartName names a request that the server made itself, as Operation does but without
// the package of the service, since it is shown in the narrow column of the tree.
func PartName(p *trace.Part, l lang.Lang) string {
	method := p.Method
	if _, known := verbs[method]; !known {
		if service, call, ok := strings.Cut(strings.TrimPrefix(method, "/"), "/"); ok {
			method = service[strings.LastIndexByte(service, '.')+1:] + "/" + call
		}
	}
	return Operation(&trace.Timeline{Method: method, Attributes: p.Attributes}, l)
}

// Outcome says in a few words what happened instead of an ordinary reply. It is "" if
// there was one.
func Outcome(t *trace.Timeline, l lang.Lang) string {
	switch t.Attributes[trace.AttrOutcome] {
	case trace.OutcomeSwept:
		return l.Pick("never completed", "始终没有完成")
	case trace.OutcomeReset:
		return l.Pick("cancelled by the client", "客户端取消")
	case trace.OutcomeResetSent:
		return l.Pick("stream reset by the server", "服务端重置了 stream")
	case trace.OutcomeConnClosed:
		return l.Pick("connection closed", "连接已断开")
	case trace.OutcomeTimedOut:
		return l.Pick("deadline passed", "超过期限")
	case trace.OutcomeStopping:
		return l.Pick("server stopping", "服务端正在停止")
	}
	return ""
}
