package seam

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"glasskv/server/practice"
	"glasskv/server/seam/client"
	"glasskv/server/seam/seamtest"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What the stories of the branches need besides: a service that does on demand
// what a store does not, and raw frames of every kind.
//
//	held, let-go      a request is held by the service for practice; let it go
//	count, sum, echo  a stream of the service for practice: KIND N, with N messages
//	page NAME N       a raw request for N bytes
//	hello NAME [window=N]  open a raw connection
//	ready N           wait until N replies are ready to be written
//	take NAME N, allow NAME N  read N bytes of DATA; allow N bytes more
//	pings NAME N      send N pings at once
//	goaway NAME [final]  wait for one
//	gone NAME [deaf]  read until the server hangs up; deaf, without answering pings
//	greet TEXT        connect, say this, and wait to be hung up on
//	shake [NAME]      shake hands over TLS, with a certificate of that name or none
//	shut N            let Accept fail N times when a connection waits
//	serve-again       call Serve on the gRPC server once more
//	observed KEY …    a put by our own client, with the client's record
func init() {
	for name, command := range map[string]func(*story, words) string{
		"held":        func(s *story, _ words) string { s.must(s.practice.Arrived(seamtest.Limit(s))); return "" },
		"let-go":      func(s *story, _ words) string { s.must(s.practice.Release(seamtest.Limit(s))); return "" },
		"stream":      (*story).stream,
		"page":        (*story).page,
		"hello":       (*story).hello,
		"ready":       func(s *story, w words) string { s.tally.await(s, "statuses", w.number(0)); return "" },
		"take":        (*story).take,
		"allow":       (*story).allow,
		"pings":       (*story).pings,
		"goaway":      (*story).awaitGoAway,
		"gone":        (*story).gone,
		"greet":       (*story).greet,
		"shake":       (*story).shake,
		"shut":        func(s *story, w words) string { s.door.Fail(w.number(0)); return "" },
		"serve-again": (*story).serveAgain,
		"observed":    (*story).observed,
	} {
		commands[name] = command
	}
}

// configure takes what a story says of its server.
func (s *story) configure(w words, cfg *serve.Config) {
	for name, to := range map[string]*time.Duration{
		"age": &cfg.MaxConnectionAge, "grace": &cfg.MaxConnectionAgeGrace, "timeout": &cfg.ConnectionTimeout,
		"ping-after": &cfg.GRPCKeepAliveInterval, "ping-timeout": &cfg.GRPCKeepAliveTimeout,
	} {
		if !w.has(name) {
			continue
		}
		var err error
		if *to, err = time.ParseDuration(w.named(name, "")); err != nil {
			w.Fatalf(w.tb, "%s: %v", name, err)
		}
	}
	if w.has("tls") || w.has("mutual") {
		s.authority = servetest.NewAuthority(s)
		s.authority.Secure(cfg)
	}
	if w.has("mutual") {
		cfg.ClientTLSInfo.TrustedCAFile = s.authority.File
	}
	cfg.ServeTLSThroughHTTP = w.has("through-http")
	cfg.NumStreamWorkers = uint32(w.namedNumber("workers"))
	cfg.ServiceRegister = func(reg grpc.ServiceRegistrar) {
		s.registrar = reg
		s.practice.Register(reg)
	}
	if w.has("catch-all") {
		cfg.GRPCAdditionalServerOptions = []grpc.ServerOption{practice.CatchAll(" is not here either")}
	}
}

// stream plays a stream of the service for practice: stream METHOD N [turns]. In
// turns, each message is answered before the next one is sent.
func (s *story) stream(w words) string {
	s.settle()
	method, n := w.at(0), w.number(1)
	messages := make([]proto.Message, n)
	for i := range messages {
		messages[i] = practiceMessage(method, i)
	}
	replies, err := practice.Talk(seamtest.Limit(s), s.conn("first"), method, w.has("turns"), messages...)
	s.must(err)
	return fmt.Sprintf("client: OK, %d sent, %d received\n", n, len(replies)) + s.records(1, "", w)
}

func practiceMessage(method string, i int) proto.Message {
	if method == practice.Echo {
		return wrapperspb.String(fmt.Sprint(i))
	}
	return wrapperspb.Int64(int64(i + 3))
}

// shake shakes hands. With a certificate a put follows; without one the handshake
// is refused, which a client hears with its first read.
func (s *story) shake(w words) string {
	if len(w.CmdArgs) > 0 {
		creds := credentials.NewTLS(s.authority.Client(w.at(0)))
		cc, err := grpc.NewClient(s.node.Endpoint(), grpc.WithTransportCredentials(creds))
		s.must(err)
		s.Cleanup(func() { _ = cc.Close() })
		_, err = pb.NewKVClient(cc).Put(seamtest.Limit(s), &pb.PutRequest{Key: []byte("k")})
		return "client: " + said(err, "OK") + "\n" + s.records(1, "", w)
	}
	config := s.authority.Client("")
	config.NextProtos = []string{http2.NextProtoTLS}
	refusal := practice.Handshake(seamtest.Limit(s), s.node.Endpoint(), config)
	return fmt.Sprintf("client: %v\n", refusal) + s.records(1, "", w)
}

func (s *story) serveAgain(words) string {
	addr, served, err := practice.ServeAgain(seamtest.Limit(s), s.registrar)
	s.must(err)
	_, err = new(net.Dialer).DialContext(seamtest.Limit(s), "tcp", addr)
	return fmt.Sprintf("Serve: %v\nclient: connected is %v\n", served, err == nil)
}

// observed is a put whose client is observed, and shows the client's record:
// observed KEY size=N [limit=N] [gzip].
func (s *story) observed(w words) string {
	recorder := record.NewRecorder(record.Options{})
	s.Cleanup(func() { _ = recorder.Close(context.Background()) })
	cc, err := grpc.NewClient(s.node.Endpoint(), client.New(recorder).DialOptions(insecure.NewCredentials())...)
	s.must(err)
	s.Cleanup(func() { _ = cc.Close() })
	if _, err := pb.NewKVClient(cc).Put(seamtest.Limit(s), &pb.PutRequest{Key: []byte("opens the connection")}); err != nil {
		s.Fatal(err)
	}
	s.next("opens the connection")
	ctx, seen := client.Observe(seamtest.Limit(s))
	_, err = pb.NewKVClient(cc).Put(ctx, putRequest(w), practiceOptions(w)...)
	shape, _, _ := strings.Cut(s.shape(seen.Record, false), "waited in:")
	return "client: " + said(err, "OK") + "\n" + shape
}

// practiceOptions are those that a client may give with a call.
func practiceOptions(w words) (opts []grpc.CallOption) {
	if most := w.namedNumber("limit"); most > 0 {
		opts = append(opts, grpc.MaxCallSendMsgSize(most))
	}
	if w.has("gzip") {
		opts = append(opts, grpc.UseCompressor(gzip.Name))
	}
	return opts
}
