package command

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// byteSize is a flag in bytes that people write as 32MiB.
type byteSize int64

func (b *byteSize) String() string { return humanize.IBytes(uint64(*b)) }
func (b *byteSize) Type() string   { return "size" }

func (b *byteSize) Set(s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil {
		return fmt.Errorf("%q is not a size such as 32MiB", s)
	}
	*b = byteSize(n)
	return nil
}
