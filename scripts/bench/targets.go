package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// target is one of the servers that take turns.
type target struct {
	name  string
	what  string // what the report says about it
	start func(ctx context.Context, b *bench, dir string) (*process, error)
}

// The names of the targets.
const (
	traceOn    = "trace on"
	traceOff   = "trace off"
	exportAll  = "export all"
	realEtcd   = "etcd"
	limit      = "limit"
	traceOnTLS = "trace on TLS"
	etcdTLS    = "etcd TLS"
)

// plain are the targets that serve without TLS.
var plain = []string{traceOn, traceOff, exportAll, realEtcd, limit}

var targets = []target{
	{traceOn, "GlassKV, every request recorded", func(ctx context.Context, b *bench, dir string) (*process, error) {
		return b.glasskv(ctx, dir, nil, "--trace", "on")
	}},
	{traceOff, "GlassKV, no seam installed", func(ctx context.Context, b *bench, dir string) (*process, error) {
		return b.glasskv(ctx, dir, nil, "--trace", "off")
	}},
	{exportAll, "GlassKV, every request recorded and exported over OTLP", startExporting},
	{realEtcd, "real etcd 3.7.3, embedded, its tracing off", startEtcd},
	{limit, "the physical limit: gRPC, a shared write and fdatasync, nothing else", startLimit},
	{traceOnTLS, "GlassKV over TLS, every request recorded", func(ctx context.Context, b *bench, dir string) (*process, error) {
		return b.glasskvTLS(ctx, dir, "--trace", "on")
	}},
	{etcdTLS, "real etcd 3.7.3 over TLS", startEtcdTLS},
}

func targetNames() []string {
	var names []string
	for _, t := range targets {
		names = append(names, t.name)
	}
	return names
}

// bench is what all measurements share: the binaries and a directory on a disk.
type bench struct {
	opts    *options
	dir     string
	targets []target
	cert    *certificate
	data    int  // data directories made so far
	debug   bool // servers are started with their debug pages open
}

// newBench builds every program that is needed.
func newBench(ctx context.Context, o *options) (*bench, error) {
	b := &bench{opts: o}
	wanted := strings.Split(o.targets, ",")
	for _, t := range targets {
		if slices.Contains(wanted, t.name) {
			b.targets = append(b.targets, t)
		}
	}
	if len(b.targets) != len(wanted) {
		return nil, fmt.Errorf("-targets %q: choose from %q", o.targets, strings.Join(targetNames(), ","))
	}
	var err error
	if b.dir, err = os.MkdirTemp(o.dir, "glasskv-bench-"); err != nil {
		return nil, err
	}
	if fs := mountOf(b.dir); !o.short && (fs.kind == "tmpfs" || fs.kind == "ramfs") {
		return nil, errors.Join(fmt.Errorf("%s is in memory, where an fsync costs nothing: choose another -dir", o.dir), b.remove())
	}
	if b.cert, err = newCertificate(b.dir); err != nil {
		return nil, errors.Join(err, b.remove())
	}
	progress("building")
	return b, errors.Join(b.build(ctx), b.addEarlier(ctx))
}

func (b *bench) build(ctx context.Context) error {
	for from, what := range map[string][]string{".": {"."}, "scripts/peers": {"./etcd", "./limit", "./otlpsink"}} {
		cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", b.dir + "/"}, what...)...)
		cmd.Dir = from
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %v in %s (run the benchmark from the top of the repository): %w", what, from, err)
		}
	}
	return nil
}

func (b *bench) remove() error { return os.RemoveAll(b.dir) }

// binary is the path of a program that was built.
func (b *bench) binary(name string) string { return filepath.Join(b.dir, name) }

// newData returns a directory that no server has used.
func (b *bench) newData() string {
	b.data++
	return filepath.Join(b.dir, fmt.Sprintf("data-%d", b.data))
}

// glasskv starts a GlassKV server with the given environment and flags added.
func (b *bench) glasskv(ctx context.Context, dir string, env []string, flags ...string) (*process, error) {
	return b.serve(ctx, dir, server{binary: "glasskv", scheme: "http", env: env}, flags...)
}

// glasskvTLS does the same over TLS.
func (b *bench) glasskvTLS(ctx context.Context, dir string, flags ...string) (*process, error) {
	flags = append(flags, "--cert-file", b.cert.file, "--key-file", b.cert.keyFile)
	return b.serve(ctx, dir, server{binary: "glasskv", scheme: "https", creds: b.cert.credentials()}, flags...)
}

// server says how a GlassKV server is started, beside its flags.
type server struct {
	binary, scheme string
	creds          credentials.TransportCredentials // nil without TLS
	env            []string
}

func (b *bench) serve(ctx context.Context, dir string, s server, flags ...string) (*process, error) {
	if s.creds == nil {
		s.creds = insecure.NewCredentials()
	}
	scheme := s.scheme
	client, peer, spans := freeAddr(), freeAddr(), freeAddr()
	args := append([]string{
		"serve", "--data-dir", dir, "--log-level", "warn",
		"--listen-client-urls", scheme + "://" + client, "--advertise-client-urls", scheme + "://" + client,
		"--listen-peer-urls", "http://" + peer, "--initial-advertise-peer-urls", "http://" + peer,
		"--initial-cluster", "default=http://" + peer,
		"--listen-trace-url", "http://" + spans,
	}, flags...)
	debug := freeAddr()
	if b.debug {
		args = append(args, "--listen-debug-url", "http://"+debug)
	}
	p, err := startProcess(ctx, client, s.creds, s.env, b.binary(s.binary), args...)
	if p != nil {
		p.traceURL, p.debugURL = "http://"+spans, "http://"+debug
	}
	return p, err
}

// startExporting starts a receiver of spans, and a server that sends it all of its
// spans.
func startExporting(ctx context.Context, b *bench, dir string) (*process, error) {
	addr := freeAddr()
	sink, err := spawn(ctx, nil, b.binary("otlpsink"), "-listen", addr)
	if err != nil {
		return nil, err
	}
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + addr, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}
	p, err := b.glasskv(ctx, dir, env, "--trace", "on", "--exporter", "otlp", "--sample-ratio", "1")
	if err != nil {
		return nil, errors.Join(err, sink.stop())
	}
	p.sink = sink
	return p, nil
}

func startEtcd(ctx context.Context, b *bench, dir string) (*process, error) {
	client, peer := freeAddr(), freeAddr()
	p, err := startProcess(ctx, client, insecure.NewCredentials(), nil, b.binary("etcd"), "-data-dir", dir,
		"-listen-client-urls", "http://"+client, "-listen-peer-urls", "http://"+peer, fmt.Sprintf("-pprof=%t", b.debug))
	if p != nil {
		p.debugURL = "http://" + client
	}
	return p, err
}

func startEtcdTLS(ctx context.Context, b *bench, dir string) (*process, error) {
	client, peer := freeAddr(), freeAddr()
	return startProcess(ctx, client, b.cert.credentials(), nil, b.binary("etcd"), "-data-dir", dir,
		"-listen-client-urls", "https://"+client, "-listen-peer-urls", "http://"+peer,
		"-cert-file", b.cert.file, "-key-file", b.cert.keyFile)
}

func startLimit(ctx context.Context, b *bench, dir string) (*process, error) {
	client := freeAddr()
	return startProcess(ctx, client, insecure.NewCredentials(), nil, b.binary("limit"), "-data-dir", dir, "-listen", client)
}

// earlier is the target that runs the commit given by -before. It takes turns with the
// current code, to find out what a change costs users who do not use it.
const earlier = "before"

var earlierTarget = target{earlier, "GlassKV at an earlier commit, every request recorded", func(ctx context.Context, b *bench, dir string) (*process, error) {
	return b.serve(ctx, dir, server{binary: earlier, scheme: "http"}, "--trace", "on")
}}

// addEarlier builds the commit of -before, from a clone of its own, and adds it to
// the targets.
func (b *bench) addEarlier(ctx context.Context) error {
	if b.opts.before == "" {
		return nil
	}
	tree := filepath.Join(b.dir, "tree")
	defer func() { _ = os.RemoveAll(tree) }()
	for _, args := range [][]string{
		{"git", "clone", "--quiet", "--no-checkout", ".", tree},
		{"git", "-C", tree, "checkout", "--quiet", "--detach", b.opts.before},
		{"go", "build", "-C", tree, "-o", b.binary(earlier), "."},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the commit is the user's own
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s: %w", b.opts.before, err)
		}
	}
	b.targets = append(b.targets, earlierTarget)
	return nil
}

// certificate is the self-signed certificate of the servers. It is made for each run and
// is valid only for the loopback address.
type certificate struct {
	file, keyFile string
	roots         *x509.CertPool
}

func newCertificate(dir string) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &certificate{file: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), roots: x509.NewCertPool()}
	c.roots.AddCert(parsed)
	if err := writePEM(c.file, "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return c, writePEM(c.keyFile, "PRIVATE KEY", keyDER)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// credentials make a client trust this certificate and nothing else.
func (c *certificate) credentials() credentials.TransportCredentials {
	return credentials.NewClientTLSFromCert(c.roots, "")
}
