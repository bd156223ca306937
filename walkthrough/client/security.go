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

// Security says which servers a client trusts and which certificate it presents. The
// zero value trusts the system's authorities and presents no certificate.
type Security struct {
	CAFile     string // PEM file of the trusted authorities; "" means the system's
	CertFile   string // PEM file of the client's certificate
	KeyFile    string // PEM file of its private key
	SkipVerify bool   // trust any server
	Required   bool   // reject endpoints that are not secured
}

// Creds returns the credentials for connections to these endpoints, or nil if the
// endpoints are not secured. An endpoint is secured if its scheme is https, or if it
// has no scheme and s is not zero. Creds returns an error if only some of the
// endpoints are secured, or if a file cannot be used.
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

// secured reports whether the endpoints are secured. It returns an error if only some
// are, or if security is required and one is not.
func (s Security) secured(endpoints []string) (secured bool, err error) {
	for i, e := range endpoints {
		secure := s != Security{}
		if strings.Contains(e, "://") {
			u, err := url.Parse(e)
			if err != nil {
				return false, fmt.Errorf("endpoint %q: %w", e, err)
			}
			secure = u.Scheme == "https"
		}
		switch {
		case s.Required && !secure:
			return false, fmt.Errorf("endpoint %q is not secured, and a secure connection is required", e)
		case i > 0 && secure != secured:
			return false, fmt.Errorf("endpoint %q: secured endpoints and others cannot be mixed", e)
		}
		secured = secure
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
