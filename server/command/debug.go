package command

import (
	"errors"
	"expvar"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/trace"
	"google.golang.org/grpc"
	channelz "google.golang.org/grpc/channelz/service"

	"glasskv/server/serve"
)

// debugIndex is what the debug address shows first.
const debugIndex = `<!DOCTYPE html><title>GlassKV debug</title><ul>
<li><a href="/debug/requests">/debug/requests</a> the last gRPC calls, as golang.org/x/net/trace keeps them
<li><a href="/debug/events">/debug/events</a> what happened to connections and servers
<li><a href="/debug/channelz">/debug/channelz</a> servers, channels and sockets, as grpcdebug shows them too
<li><a href="/debug/pprof/">/debug/pprof/</a> profiles of the process
<li><a href="/debug/vars">/debug/vars</a> memory and command line
</ul>
`

// debugPages are pages about the process, on an address of their own and off
// unless asked for: they tell more than a client should know, and what they show
// is not collected for nothing.
type debugPages struct {
	srv     *http.Server
	serving sync.WaitGroup
	url     string
}

// serveDebug begins to serve the pages, or does nothing where no address is
// given. It must come before the node, since grpc-go decides with each server
// whether it is followed.
func serveDebug(lg *zap.Logger, at listenURL, cfg serve.Config) (*debugPages, error) {
	if at.value == "" {
		return nil, nil
	}
	l, err := at.listen(lg, cfg.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("--listen-debug-url %s: %w", at.value, err)
	}
	grpc.EnableTracing = true
	p := &debugPages{url: at.at(l)}
	p.srv = &http.Server{
		Handler:           localOnly(cfg.HostWhitelist, debugMux()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong is not the operator's concern
		Protocols:         new(http.Protocols),
	}
	p.srv.Protocols.SetHTTP1(true)
	p.srv.Protocols.SetHTTP2(true)
	p.srv.Protocols.SetUnencryptedHTTP2(true)
	p.serving.Go(func() {
		if err := p.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			lg.Warn("serve debug pages", zap.Error(err))
		}
	})
	lg.Info("serving debug pages", zap.String("url", p.url+"/debug/"))
	return p, nil
}

// at returns where the pages are; empty where they are off.
func (p *debugPages) at() string {
	if p == nil {
		return ""
	}
	return p.url
}

// close ends the pages. A profile that is being taken is broken off.
func (p *debugPages) close(lg *zap.Logger) {
	if p == nil {
		return
	}
	if err := p.srv.Close(); err != nil {
		lg.Warn("close debug pages", zap.Error(err))
	}
	p.serving.Wait()
}

// debugMux lines up the pages. gRPC calls are for channelz, which programs ask
// over gRPC.
func debugMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/debug/", http.StatusFound)
	})
	mux.HandleFunc("/debug/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, debugIndex) // fails only when the client has gone away
	})
	mux.HandleFunc("/debug/requests", func(w http.ResponseWriter, r *http.Request) { trace.Render(w, r, true) })
	mux.HandleFunc("/debug/events", func(w http.ResponseWriter, r *http.Request) { trace.RenderEvents(w, r, true) })
	mux.Handle("/debug/vars", expvar.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	handleChannelz(mux)

	gs := grpc.NewServer()
	channelz.RegisterChannelzServiceToServer(gs)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			gs.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
