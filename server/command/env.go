package command

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"go.etcd.io/etcd/pkg/v3/flags"
)

// envPrefix begins the name of each variable that stands for a flag, where
// etcd has ETCD: --data-dir is GLASSKV_DATA_DIR.
const envPrefix = "GLASSKV"

// setFromEnv sets the flags that were not given but have a variable.
func setFromEnv(fs *pflag.FlagSet) error {
	return flags.SetPflagsFromEnv(nil, envPrefix, fs)
}

// warnUnknownEnv tells of variables that look like a flag and are none: most
// likely somebody believes to have set something.
func warnUnknownEnv(lg *zap.Logger, fs *pflag.FlagSet) {
	var known []string
	fs.VisitAll(func(f *pflag.Flag) { known = append(known, flags.FlagToEnv(envPrefix, f.Name)) })
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix+"_") && !slices.Contains(known, name) {
			lg.Warn("unrecognized environment variable", zap.String("variable", name))
		}
	}
}
