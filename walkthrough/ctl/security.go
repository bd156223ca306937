package ctl

import (
	"errors"

	"github.com/spf13/pflag"

	"go.etcd.io/etcd/pkg/v3/flags"

	"glasskv/walkthrough/client"
)

// envPrefix begins the names of the variables that stand for the flags of TLS:
// GLASSKV_CACERT is --cacert.
const envPrefix = "GLASSKV"

// securityFlags are those of TLS, named as etcdctl names them.
type securityFlags struct {
	client.Security
	insecureTransport bool
	own               *pflag.FlagSet // the same flags, alone: no other has a variable
}

func (f *securityFlags) add(fs *pflag.FlagSet) {
	f.own = pflag.NewFlagSet("", pflag.ContinueOnError)
	f.own.SortFlags = false
	f.own.StringVar(&f.CAFile, "cacert", "", "believe servers whose certificates these authorities signed, from a PEM file")
	f.own.StringVar(&f.CertFile, "cert", "", "show the server this certificate, from a PEM file")
	f.own.StringVar(&f.KeyFile, "key", "", "the key that belongs to --cert")
	f.own.BoolVar(&f.SkipVerify, "insecure-skip-tls-verify", false, "believe any server; for tests only")
	f.own.BoolVar(&f.insecureTransport, "insecure-transport", true, "allow connections without TLS")
	fs.AddFlagSet(f.own)
}

// connection says what to connect to and how it is secured. A flag that was not
// given can come from its variable.
func (c *ctl) connection() (client.Options, error) {
	o := client.Options{Endpoints: c.endpoints, DialTimeout: c.dialTimeout, TraceURL: c.trace.endpoint}
	f := &c.security
	if err := flags.SetPflagsFromEnv(nil, envPrefix, f.own); err != nil {
		return o, err
	}
	if (f.CertFile == "") != (f.KeyFile == "") {
		return o, errors.New("--cert and --key go together: one of them is missing")
	}
	f.Required = !f.insecureTransport
	var err error
	o.Creds, err = f.Creds(c.endpoints)
	return o, err
}
