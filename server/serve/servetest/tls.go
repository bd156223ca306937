package servetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
)

// Authority issues certificates for tests.
type Authority struct {
	testing.TB
	// File has the authority's certificate, as PEM.
	File string

	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// NewAuthority returns an authority with a new key.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{TB: t, File: filepath.Join(t.TempDir(), "ca.pem")}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "GlassKV test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
	}
	a.cert = a.sign(a.File, template, template, &a.key.PublicKey)
	return a
}

// Issue issues a certificate for 127.0.0.1 with the common name, and returns the files with
// the certificate and its key.
func (a *Authority) Issue(name string) (certFile, keyFile string) {
	a.Helper()
	dir := a.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	a.IssueTo(name, certFile, keyFile)
	return certFile, keyFile
}

// IssueTo does what Issue does, but writes to the given files and replaces their contents.
func (a *Authority) IssueTo(name, certFile, keyFile string) {
	a.Helper()
	a.serial++
	key := newKey(a)
	a.sign(certFile, &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, a.cert, &key.PublicKey)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	writePEM(a, keyFile, "EC PRIVATE KEY", der)
}

// Revoke revokes the certificate in certFile. It returns the name of a file with the list
// of revoked certificates, which has no other.
func (a *Authority) Revoke(certFile string) (listFile string) {
	a.Helper()
	revoked := readCert(a, certFile)
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: revoked.SerialNumber, RevocationTime: time.Now()}},
	}, a.cert, a.key)
	if err != nil {
		a.Fatal(err)
	}
	listFile = filepath.Join(a.TempDir(), "revoked.der")
	if err := os.WriteFile(listFile, list, 0o600); err != nil {
		a.Fatal(err)
	}
	return listFile
}

// Client returns the TLS configuration of a client that trusts this authority. Unless name is
// empty, the client has a certificate with that common name.
func (a *Authority) Client(name string) *tls.Config {
	a.Helper()
	cfg := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1"}
	cfg.RootCAs.AddCert(a.cert)
	if name != "" {
		cert, err := tls.LoadX509KeyPair(a.Issue(name))
		if err != nil {
			a.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg
}

// Secure gives cfg an https client address with a certificate of this authority.
func (a *Authority) Secure(cfg *serve.Config) {
	a.Helper()
	cfg.ListenClientURLs = types.MustNewURLs([]string{"https://127.0.0.1:0"})
	cfg.ClientTLSInfo.CertFile, cfg.ClientTLSInfo.KeyFile = a.Issue("server")
}

func (a *Authority) sign(file string, template, parent *x509.Certificate, of *ecdsa.PublicKey) *x509.Certificate {
	a.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of, a.key)
	if err != nil {
		a.Fatal(err)
	}
	writePEM(a, file, "CERTIFICATE", der)
	return readCert(a, file)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// writePEM replaces a file atomically: a server that reads it at that moment gets the old
// content or the new one.
func writePEM(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	next := file + ".next"
	if err := os.WriteFile(next, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}

func readCert(t testing.TB, file string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// clientCreds returns the credentials of Node.Conn, for the node's first address. They trust
// the node's own certificate.
func clientCreds(t testing.TB, cfg serve.Config) credentials.TransportCredentials {
	t.Helper()
	if scheme := cfg.ListenClientURLs[0].Scheme; scheme != "https" && scheme != "unixs" {
		return insecure.NewCredentials()
	}
	pool := x509.NewCertPool()
	if file := cfg.ClientTLSInfo.CertFile; file != "" {
		pool.AddCert(readCert(t, file))
	}
	return credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
}
