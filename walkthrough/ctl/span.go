package ctl

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// span says which keys a command is about.
type span struct {
	prefix  bool
	fromKey bool
}

func (s *span) add(fs *pflag.FlagSet, verb string) {
	fs.BoolVar(&s.prefix, "prefix", false, verb+" all keys that begin with KEY")
	fs.BoolVar(&s.fromKey, "from-key", false, verb+" all keys from KEY on")
}

// allKeys is, as a range's end, the end of all keys; as its begin the first key
// that there can be.
var allKeys = []byte{0}

// keys returns the range as a request holds it: an end of nil means one key.
func (s *span) keys(verb string, args []string) (key, end []byte, err error) {
	switch {
	case len(args) == 0 || len(args) > 2:
		return nil, nil, fmt.Errorf("%s needs a key and, for a range, the key before which it ends", verb)
	case s.prefix && s.fromKey:
		return nil, nil, errors.New("--prefix and --from-key exclude each other")
	case len(args) == 2 && (s.prefix || s.fromKey):
		return nil, nil, fmt.Errorf("%s takes one key with --prefix or --from-key", verb)
	}
	key = []byte(args[0])
	switch {
	case len(args) == 2:
		return key, []byte(args[1]), nil
	case !s.prefix && !s.fromKey:
		return key, nil, nil
	case len(key) == 0:
		return allKeys, allKeys, nil
	case s.fromKey:
		return key, allKeys, nil
	}
	return key, prefixEnd(key), nil
}

// prefixEnd returns the first key behind all those that begin with prefix: the
// prefix with its last byte raised. A byte of 0xff cannot be raised; the one
// before it is then.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return allKeys
}
