package command

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/grpc"
	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
)

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
