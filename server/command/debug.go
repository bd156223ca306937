package command

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.uber.org/zap"
	"golang.org/x/net/trace"
	"google.golang.org/grpc"
	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"glasskv/server/serve"
	"glasskv/trace/endpoint"
)

// debugIndex is the index of the debug pages.
const debugIndex = `<!DOCTYPE html><title>GlassKV debug</title><ul>
<li><a href="/debug/requests">/debug/requests</a> the last gRPC calls, as golang.org/x/net/trace keeps them
<li><a href="/debug/events">/debug/events</a> what happened to connections and servers
<li><a href="/debug/channelz">/debug/channelz</a> servers, channels and sockets, as grpcdebug shows them too
<li><a href="/debug/pprof/">/debug/pprof/</a> profiles of the process
<li><a href="/debug/vars">/debug/vars</a> memory and command line
</ul>
`

// debugPages are pages about the process. They are off by default, because what they
// show costs time to collect, and have an address of their own, because clients should
// not see it. A nil *debugPages serves nothing.
type debugPages struct {
	srv     *http.Server
	serving sync.WaitGroup
	url     string
}

// serveDebug begins to serve the pages, and returns nil if u is empty. It must be
// called before the node starts, because grpc-go decides when a server is made whether
// to trace its calls.
func serveDebug(lg *zap.Logger, u listenURL, cfg serve.Config) (*debugPages, error) {
	if u.value == "" {
		return nil, nil
	}
	l, err := u.listen(lg, cfg.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("--listen-debug-url %s: %w", u.value, err)
	}
	grpc.EnableTracing = true
	p := &debugPages{url: u.urlOf(l)}
	p.srv = &http.Server{
		Handler:           localOnly(cfg.HostWhitelist, debugMux()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // drops messages about clients' mistakes
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

// address returns the URL of the pages, empty if they are off.
func (p *debugPages) address() string {
	if p == nil {
		return ""
	}
	return p.url
}

// close stops serving. It aborts a profile that is being taken.
func (p *debugPages) close(lg *zap.Logger) {
	if p == nil {
		return
	}
	if err := p.srv.Close(); err != nil {
		lg.Warn("close debug pages", zap.Error(err))
	}
	p.serving.Wait()
}

// debugMux returns the handler of all pages. It also answers gRPC calls, with
// channelz's service, for programs such as grpcdebug.
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

// channelzRegistrar is a registrar that keeps channelz's server, so that its methods
// can be called without a connection.
type channelzRegistrar struct{ channelzpb.ChannelzServer }

// RegisterService implements grpc.ServiceRegistrar.
func (c *channelzRegistrar) RegisterService(_ *grpc.ServiceDesc, impl any) {
	c.ChannelzServer, _ = impl.(channelzpb.ChannelzServer)
}

// handleChannelz adds pages with channelz's data, as JSON. The IDs in an answer are
// those of the pages below:
//
//	/debug/channelz                       the servers of the process, and its client channels
//	/debug/channelz/server-sockets/{id}   the connections of a server
//	/debug/channelz/socket/{id}           one connection: its streams, messages and socket options
//	/debug/channelz/channel/{id}          a client channel, such as the gateway's
//	/debug/channelz/subchannel/{id}       a part of it
func handleChannelz(mux *http.ServeMux) {
	var c channelzRegistrar
	channelz.RegisterChannelzServiceToServer(&c)
	mux.HandleFunc("/debug/channelz", func(w http.ResponseWriter, r *http.Request) {
		servers, err := c.GetServers(r.Context(), &channelzpb.GetServersRequest{})
		if err != nil {
			refuseChannelz(w, err)
			return
		}
		channels, err := c.GetTopChannels(r.Context(), &channelzpb.GetTopChannelsRequest{})
		if err != nil {
			refuseChannelz(w, err)
			return
		}
		writeChannelz(w, servers, channels)
	})
	for path, get := range map[string]func(context.Context, int64) (proto.Message, error){
		"server-sockets": func(ctx context.Context, id int64) (proto.Message, error) {
			return c.GetServerSockets(ctx, &channelzpb.GetServerSocketsRequest{ServerId: id})
		},
		"socket": func(ctx context.Context, id int64) (proto.Message, error) {
			return c.GetSocket(ctx, &channelzpb.GetSocketRequest{SocketId: id})
		},
		"channel": func(ctx context.Context, id int64) (proto.Message, error) {
			return c.GetChannel(ctx, &channelzpb.GetChannelRequest{ChannelId: id})
		},
		"subchannel": func(ctx context.Context, id int64) (proto.Message, error) {
			return c.GetSubchannel(ctx, &channelzpb.GetSubchannelRequest{SubchannelId: id})
		},
	} {
		mux.HandleFunc("/debug/channelz/"+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
			id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
			if err != nil {
				http.Error(w, fmt.Sprintf("ID %q: use a number", r.PathValue("id")), http.StatusBadRequest)
				return
			}
			answer, err := get(r.Context(), id)
			if err != nil {
				refuseChannelz(w, err)
				return
			}
			writeChannelz(w, answer)
		})
	}
}

// refuseChannelz answers with err, and the HTTP status for its gRPC code.
func refuseChannelz(w http.ResponseWriter, err error) {
	st := status.Convert(err)
	http.Error(w, st.Message(), runtime.HTTPStatusFromCode(st.Code()))
}

// writeChannelz writes the answers, one JSON object after the other.
func writeChannelz(w http.ResponseWriter, answers ...proto.Message) {
	w.Header().Set("Content-Type", "application/json")
	for _, a := range answers {
		_, _ = fmt.Fprintln(w, protojson.Format(a)) // fails only when the client has gone away
	}
}

// localOnly passes on requests whose Host is localhost, an address of this machine or
// one of hosts, and refuses all others: a web page could let another name resolve to
// this machine and so read the pages with a browser that runs here.
func localOnly(hosts map[string]struct{}, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if _, listed := hosts[host]; !listed && !endpoint.IsLocal(host, r) {
			http.Error(w, fmt.Sprintf("host %q is not this server: use its address, localhost, or --host-whitelist", host),
				http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
