package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// addServices declares what is served beside etcd's own services.
func (f *serveFlags) addServices(fs *pflag.FlagSet) {
	fs.BoolVar(&f.cfg.EnableGRPCReflection, "grpc-reflection", f.cfg.EnableGRPCReflection,
		"let clients such as grpcurl ask for the services and their messages")
	fs.Func("feature-gates", "etcd's features to switch on or off, as Name=true,…; known is StopGRPCServiceOnDefrag", f.setFeatures)
}

// setFeatures reads etcd's list of features.
func (f *serveFlags) setFeatures(list string) error {
	gates := map[string]*bool{
		"StopGRPCServiceOnDefrag": &f.cfg.StopGRPCServiceOnDefrag,
	}
	for feature := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(feature), "=")
		gate, ok := gates[name]
		if !ok {
			return fmt.Errorf("feature %q is not known here", name)
		}
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("feature %s: use %s=true or %s=false", name, name, name)
		}
		*gate = on
	}
	return nil
}
