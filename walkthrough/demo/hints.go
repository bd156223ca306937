package demo

import (
	"os"
	"strings"

	"glasskv/walkthrough/screen"
)

// nextSteps are commands to try after the demo, and what for.
var nextSteps = []struct{ command, en, zh string }{
	{"glasskv demo flow-control", "one branch of grpc-go's path, played live", "现场演示 grpc-go 路径上的一个分支"},
	{"glasskv demo --list", "all scenes and branches", "列出所有场景和分支"},
	{"glasskv explain wal.sync", "what a stage is, what makes it slow, where its source is", "一个阶段是什么、为什么慢、源码在哪里"},
	{"glasskv stages", "all stages, as a tree", "以树的形式列出所有阶段"},
	{"glasskv serve --timeline", "a server of your own; etcdctl works with it", "启动自己的服务器，etcdctl 也能用"},
	{"glasskv put --trace greeting hello", "from another terminal: a write as its client saw it", "在另一个终端里：从客户端看一次写入"},
	{"glasskv timeline --slowest 1", "that server's slowest request so far", "这个服务器到目前为止最慢的请求"},
}

// hints says what to try next, and how to write it where glasskv is not
// installed.
func (d *demo) hints() error {
	l, room := d.screen.Lang, d.screen.Columns(d.out)
	width := 0
	for _, h := range nextSteps {
		width = max(width, screen.Width(h.command))
	}
	return d.say(func(out *screen.Writer) {
		out.Line()
		out.Line(screen.Strong.Paint(l.Pick("What to try next", "接下来可以试试")))
		for _, h := range nextSteps {
			command := screen.Left(h.command, width)
			for _, line := range screen.Wrap(l.Pick(h.en, h.zh), room-width-4) {
				out.Line("  ", command, "  ", screen.Dim.Paint(line))
				command = screen.Blank(width)
			}
		}
		if builtByGoRun() {
			out.Line(screen.Dim.Paint(l.Pick("  (write `go run .` for glasskv, as you did just now)", "  （像刚才那样，用 `go run .` 代替 glasskv）")))
		}
	})
}

// builtByGoRun reports whether the program lies where `go run` builds it, so
// that there is no glasskv to call.
func builtByGoRun() bool {
	exe, err := os.Executable()
	return err == nil && strings.Contains(exe, "go-build")
}
