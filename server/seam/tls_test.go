package seam

import (
	"crypto/x509"
	"net/http/httptest"
	"testing"

	"glasskv/trace"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
)

// Under TLS the frames are seen in clear, for the seam stands above it.
func TestARequestOverTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.EnableHTTP2 = true
	web.StartTLS() // for its certificate
	defer web.Close()
	r := newRig(t, Options{FrontOptions: FrontOptions{Creds: credentials.NewTLS(web.TLS)}})
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	cc, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "example.com")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	if _, err := pb.NewKVClient(cc).Put(limit(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	rec := r.record()
	r.check(rec, expect{method: pb.KV_Put_FullMethodName, code: codes.OK, reached: []trace.Stage{trace.TLSHandshake, trace.Flush}})
	if p := rec.Conn().Protocol; p != "TLS 1.3" {
		t.Errorf("protocol = %q", p)
	}
	_, shaken := rec.Conn().Stamps(trace.TLSHandshake)
	if begin, _ := rec.Conn().Stamps(trace.NewHTTP2Transport); begin < shaken {
		t.Errorf("newHTTP2Transport begins at %d, the handshake ends at %d", begin, shaken)
	}
}
