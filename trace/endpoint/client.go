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
	"strings"
	"time"

	"glasskv/trace"
)

// ErrUnknown is returned by Client.Get if the server has no finished request with that trace
// ID, because there was none or it is not kept any more.
var ErrUnknown = errors.New("unknown request")

// Client gets timelines from a server. Any number of goroutines may use it at once.
type Client struct {
	// Base is the endpoint's address, such as "http://127.0.0.1:2378".
	Base string
	// HTTP makes the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

// Last returns up to n requests that finished last, the newest first.
func (c *Client) Last(ctx context.Context, n int) ([]*trace.Timeline, error) {
	return list[trace.Timeline](ctx, c, url.Values{"last": {strconv.Itoa(n)}})
}

// Slowest returns up to n of the slowest unary requests, the slowest first.
func (c *Client) Slowest(ctx context.Context, n int) ([]*trace.Timeline, error) {
	return list[trace.Timeline](ctx, c, url.Values{"slowest": {strconv.Itoa(n)}})
}

// LastEnvelopes is Last with the origin of each timeline.
func (c *Client) LastEnvelopes(ctx context.Context, n int) ([]*Envelope, error) {
	return list[Envelope](ctx, c, url.Values{"last": {strconv.Itoa(n)}, "origin": {"true"}})
}

// Get returns the request with that trace ID. It waits for the request to finish, at most
// for the given time and never longer than 30 seconds. It returns ErrUnknown if the request
// has not finished by then.
func (c *Client) Get(ctx context.Context, traceID string, wait time.Duration) (*Envelope, error) {
	q := url.Values{}
	if wait > 0 {
		q.Set("wait", wait.String())
	}
	body, err := c.get(ctx, "/v1/requests/"+url.PathEscape(traceID), q)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	e := new(Envelope)
	if err := json.NewDecoder(body).Decode(e); err != nil {
		return nil, c.unreadable(err)
	}
	if e.Timeline == nil {
		return nil, c.unreadable(errors.New("an answer without a timeline"))
	}
	return e, nil
}

// list gets a list of timelines, which come as one JSON object per line.
func list[T any](ctx context.Context, c *Client, q url.Values) ([]*T, error) {
	body, err := c.get(ctx, "/v1/requests", q)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var all []*T
	for dec := json.NewDecoder(body); ; {
		item := new(T)
		switch err := dec.Decode(item); {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return all, c.unreadable(err)
		}
		all = append(all, item)
	}
}

func (c *Client) unreadable(err error) error {
	return fmt.Errorf("read from trace endpoint %s: %w", c.Base, err)
}

// get returns the body of a successful answer, which the caller closes.
func (c *Client) get(ctx context.Context, path string, q url.Values) (io.ReadCloser, error) {
	address := strings.TrimRight(c.Base, "/") + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	if !strings.Contains(c.Base, "://") {
		return nil, fmt.Errorf("trace endpoint %q: want a URL, such as http://127.0.0.1:2378", c.Base)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("trace endpoint %s: %w", c.Base, err)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		var op *url.Error
		if errors.As(err, &op) {
			err = op.Err // without the address and the query: the message below names the address
		}
		return nil, fmt.Errorf("trace endpoint %s: %w", c.Base, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	return nil, fmt.Errorf("trace endpoint %s: %w", c.Base, refusal(resp))
}

// refusal returns the error that the server sent.
func refusal(resp *http.Response) error {
	var p problem
	const enough = 4 << 10
	if err := json.NewDecoder(io.LimitReader(resp.Body, enough)).Decode(&p); err != nil || p.Error == "" {
		return errors.New(resp.Status)
	}
	if resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%w: %s", ErrUnknown, p.Error)
	}
	return errors.New(p.Error)
}
