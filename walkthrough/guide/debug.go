package guide

import (
	"encoding/json"
	"fmt"
	"io"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// DebugName is the name under which explain shows DebugPage.
const DebugName = "debug"

// debugPage describes one of the debug pages of grpc-go and Go.
type debugPage struct {
	Path   string
	EN, ZH string
}

// debugIntro is written before the pages. It has no path.
var debugIntro = debugPage{
	EN: "grpc-go and Go have pages of their own. `glasskv serve --listen-debug-url http://127.0.0.1:6060` serves them; they cost something, and show what clients sent, so they are off unless asked for. The same request looks like this there:",
	ZH: "grpc-go 和 Go 有自己的调试页面，用 `glasskv serve --listen-debug-url http://127.0.0.1:6060` 打开。它们有开销，还会显示客户端发来的内容，所以默认关闭。同一个请求在那里是这样的：",
}

var debugPages = []debugPage{
	{
		"/debug/requests",
		"Look under the family grpc.Recv. and the service, such as grpc.Recv.etcdserverpb.KV, in the bucket of its duration. An entry begins in grpc.handleStream and ends with grpc.processRPC. It has the client's address, the first hundred characters of each message (keys and values among them), and the error. What came before handleStream and after the status is not in it, nor what the handler did.",
		"在 grpc.Recv. 加服务名的一类里找（例如 grpc.Recv.etcdserverpb.KV），按耗时分桶。一条记录从 grpc.handleStream 开始，到 grpc.processRPC 结束，包含客户端地址、每条消息的前一百个字符（里面有 key 和 value）以及错误。handleStream 之前、写出状态之后发生的事，以及 handler 做了什么，里面都没有。",
	},
	{
		"/debug/events",
		"The life of each grpc.Server: serving, accept errors with the time until the next try (net.backoff here), handshakes that failed, done serving. A connection that never carried a request appears there as one line; here it has a timeline.",
		"每个 grpc.Server 的一生：开始服务、accept 出错及重试间隔（这里的 net.backoff）、握手失败、停止服务。没带来过请求的连接在那里只是一行字，在这里有一条时间线。",
	},
	{
		"/debug/channelz",
		"Counters instead of requests: calls started, succeeded and failed for each server; streams, messages, keep-alive pings and the kernel's socket options for each connection. Find the connection of a timeline by its client's address, and look whether its windows are empty when grpc.flowControl is long.",
		"只有计数，没有单个请求：每个服务器的调用数、成功数、失败数；每条连接的 stream 数、消息数、keep-alive ping 数，以及内核的 socket 选项。按客户端地址找到时间线所在的连接；grpc.flowControl 很长时，看它的窗口是不是空的。",
	},
	{
		"/debug/pprof/",
		"Where goroutines stand and what the processors do, for the process and not for a request. When grpc.startHandler is long, take a profile and look for who is running; when a request hangs, /debug/pprof/goroutine?debug=2 shows the stack that holds its handler.",
		"goroutine 都停在哪里、处理器在忙什么，针对整个进程而不是单个请求。grpc.startHandler 很长时，抓一个 profile，看谁在占着处理器；请求卡住时，/debug/pprof/goroutine?debug=2 能看到它的 handler 停在哪个调用栈上。",
	},
}

// DebugPage writes how a request looks on the debug pages. An error means that w could
// not be written.
func DebugPage(w io.Writer, o screen.Options) error {
	p := &page{lang: o.Lang, width: min(o.Columns(w), mostText), label: 2, out: screen.NewWriter(w, o)}
	p.out.Line(screen.Strong.Paint(DebugName), screen.Dim.Paint("   "+o.Lang.Pick("the same request on other pages", "同一个请求在别的页面上")))
	p.out.Line()
	for _, l := range screen.Wrap(o.Lang.Pick(debugIntro.EN, debugIntro.ZH), p.width) {
		p.out.Line(l)
	}
	for _, d := range debugPages {
		p.out.Line()
		p.out.Line(screen.Strong.Paint(d.Path))
		p.item("", o.Lang.Pick(d.EN, d.ZH))
	}
	return p.out.Close()
}

// WriteDebugJSON writes what DebugPage does as JSON: a line for each page, an object with
// its path and what it shows. An error means that w could not be written.
func WriteDebugJSON(w io.Writer, l lang.Lang) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range debugPages {
		err := enc.Encode(map[string]string{"page": d.Path, "what": l.Pick(d.EN, d.ZH)})
		if err != nil {
			return fmt.Errorf("write debug pages: %w", err)
		}
	}
	return nil
}
