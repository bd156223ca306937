package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"google.golang.org/grpc/credentials"
)

// Security says how a client proves who it is, and whom it believes. The zero
// value believes whom the system believes and shows no certificate of its own.
type Security struct {
	CAFile     string // of the authorities that are believed, as PEM; empty: the system's
	CertFile   string // the client's own certificate, as PEM
	KeyFile    string // and its key
	SkipVerify bool   // believe anybody
	Required   bool   // refuse endpoints that are not secured
}

// Creds returns what secures connections to these endpoints, or nil where they
// are not secured: that is where they begin with "http://", and where they name
// no scheme and nothing here asks for security. An error is returned when some
// of them are secured and some are not, or when a file cannot be used.
func (s Security) Creds(endpoints []string) (credentials.TransportCredentials, error) {
	secured, err := s.secured(endpoints)
	if err != nil || !secured {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.SkipVerify} //nolint:gosec // only where the user says so
	if s.CAFile != "" {
		if config.RootCAs, err = readAuthorities(s.CAFile); err != nil {
			return nil, err
		}
	}
	if s.CertFile != "" || s.KeyFile != "" {
		cert, err := readCertificate(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return credentials.NewTLS(config), nil
}

// secured tells what all of the endpoints have in common.
func (s Security) secured(endpoints []string) (secured bool, err error) {
	for i, e := range endpoints {
		one := s != Security{}
		if strings.Contains(e, "://") {
			u, err := url.Parse(e)
			if err != nil {
				return false, fmt.Errorf("endpoint %q: %w", e, err)
			}
			one = u.Scheme == "https"
		}
		switch {
		case s.Required && !one:
			return false, fmt.Errorf("endpoint %q is not secured, and a secure connection is required", e)
		case i > 0 && one != secured:
			return false, fmt.Errorf("endpoint %q: secured endpoints and others cannot be mixed", e)
		}
		secured = one
	}
	return secured, nil
}

func readAuthorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read authorities: %s holds no certificate in PEM form", file)
	}
	return pool, nil
}

func readCertificate(certFile, keyFile string) (tls.Certificate, error) {
	if certFile == "" || keyFile == "" {
		return tls.Certificate{}, errors.New("a client's certificate and its key go together: one is missing")
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return cert, fmt.Errorf("read the client's certificate: %w", err)
	}
	return cert, nil
}
