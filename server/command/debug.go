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

// captured is a registrar that keeps channelz's server, so that it can be asked
// without a connection.
type captured struct{ channelzpb.ChannelzServer }

// RegisterService implements grpc.ServiceRegistrar.
func (c *captured) RegisterService(_ *grpc.ServiceDesc, impl any) {
	c.ChannelzServer, _ = impl.(channelzpb.ChannelzServer)
}

// handleChannelz adds what channelz knows, as JSON. The IDs that an answer holds
// lead to the next page:
//
//	/debug/channelz                       the servers of the process, and its client channels
//	/debug/channelz/server-sockets/{id}   the connections of a server
//	/debug/channelz/socket/{id}           one connection: its streams, messages and socket options
//	/debug/channelz/channel/{id}          a client channel, such as the gateway's
//	/debug/channelz/subchannel/{id}       a part of it
func handleChannelz(mux *http.ServeMux) {
	var c captured
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

func refuseChannelz(w http.ResponseWriter, err error) {
	st := status.Convert(err)
	http.Error(w, st.Message(), runtime.HTTPStatusFromCode(st.Code()))
}

// writeChannelz writes the answers one after the other.
func writeChannelz(w http.ResponseWriter, answers ...proto.Message) {
	w.Header().Set("Content-Type", "application/json")
	for _, a := range answers {
		_, _ = fmt.Fprintln(w, protojson.Format(a)) // fails only when the client has gone away
	}
}

// localOnly answers those who ask for localhost, for an address of this machine,
// or for a host that was listed by its name. Any other name may be one that a web
// page points here, to have a browser on this machine look around.
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
