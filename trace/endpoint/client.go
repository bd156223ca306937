package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"glasskv/trace"
)

// Client asks a server's trace endpoint.
type Client struct {
	// Base is the endpoint's address, such as "http://127.0.0.1:2378".
	Base string
	// HTTP makes the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

// ErrUnknown is returned when the server does not know the request, or no
// longer.
var ErrUnknown = errors.New("the server does not know this request, or no longer")

// Last returns the n requests that ended last, the last one first.
func (c *Client) Last(ctx context.Context, n int) ([]*trace.Timeline, error) {
	return c.list(ctx, "last", n)
}

// Slowest returns the n slowest requests since the server's start.
func (c *Client) Slowest(ctx context.Context, n int) ([]*trace.Timeline, error) {
	return c.list(ctx, "slowest", n)
}

func (c *Client) list(ctx context.Context, which string, n int) ([]*trace.Timeline, error) {
	var all []*trace.Timeline
	query := url.Values{which: {strconv.Itoa(n)}}
	err := c.get(ctx, "/v1/requests?"+query.Encode(), func(body io.Reader) error {
		for in := json.NewDecoder(body); ; {
			t := new(trace.Timeline)
			if err := in.Decode(t); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			all = append(all, t)
		}
	})
	return all, err
}

// Get returns one request, for which the server waits that long if it has not
// ended yet. The error is ErrUnknown when it does not come.
func (c *Client) Get(ctx context.Context, traceID string, wait time.Duration) (*Envelope, error) {
	var e Envelope
	query := url.Values{"wait": {wait.String()}}
	err := c.get(ctx, "/v1/requests/"+url.PathEscape(traceID)+"?"+query.Encode(), func(body io.Reader) error {
		return json.NewDecoder(body).Decode(&e)
	})
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// Status returns what the server records and what it lost.
func (c *Client) Status(ctx context.Context) (trace.Stats, error) {
	var s trace.Stats
	err := c.get(ctx, "/v1/status", func(body io.Reader) error {
		return json.NewDecoder(body).Decode(&s)
	})
	return s, err
}

// get hands the body of a good answer to read.
func (c *Client) get(ctx context.Context, path string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+path, nil)
	if err != nil {
		return fmt.Errorf("trace endpoint: %w", err)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("trace endpoint: %w", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return ErrUnknown
	case resp.StatusCode != http.StatusOK:
		var p problem
		_ = json.NewDecoder(io.LimitReader(resp.Body, 4<<10)).Decode(&p) // the status says enough without it
		return fmt.Errorf("trace endpoint: %s: %s", resp.Status, p.Error)
	}
	if err := read(resp.Body); err != nil {
		return fmt.Errorf("trace endpoint: %w", err)
	}
	return nil
}
