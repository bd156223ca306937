package timeline

import (
	"encoding/json"
	"fmt"
	"io"

	"glasskv/trace"
)

// WriteJSON writes a timeline as one object on one line, as design and docs
// describe it for programs.
func WriteJSON(w io.Writer, t *trace.Timeline) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t); err != nil {
		return fmt.Errorf("write timeline: %w", err)
	}
	return nil
}
