package summary

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes the summary for programs: one object a line, a stage each,
// the whole request last under the name "total".
func WriteJSON(w io.Writer, s *Summary) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	total := s.Total
	total.Stage = "total"
	for _, r := range append(s.Stages[:len(s.Stages):len(s.Stages)], total) {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
	}
	return nil
}
