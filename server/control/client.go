package control

import (
	"bytes"
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
)

// Client is the Controller of a server at an address. Its errors wrap ErrMistake,
// ErrUnknown or ErrOff if the server answered with one of them.
type Client struct {
	// Base is the server's trace endpoint, such as "http://127.0.0.1:2378".
	Base string
	// HTTP makes the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

var _ Controller = (*Client)(nil)

// State implements Controller. The server waits thirty seconds at most.
func (c *Client) State(ctx context.Context, wait time.Duration) (State, error) {
	path := "holds"
	if wait > 0 {
		path += "?wait=" + url.QueryEscape(wait.String())
	}
	return call[State](ctx, c, http.MethodGet, path, nil)
}

// Hold implements Controller.
func (c *Client) Hold(ctx context.Context, id int) (*Report, error) {
	return call[*Report](ctx, c, http.MethodGet, "holds/"+strconv.Itoa(id), nil)
}

// Step implements Controller.
func (c *Client) Step(ctx context.Context, id int) (State, error) {
	return call[State](ctx, c, http.MethodPost, "holds/"+strconv.Itoa(id)+"/step", nil)
}

// Continue implements Controller.
func (c *Client) Continue(ctx context.Context, id int) (State, error) {
	path := "holds/continue"
	if id != 0 {
		path = "holds/" + strconv.Itoa(id) + "/continue"
	}
	return call[State](ctx, c, http.MethodPost, path, nil)
}

// SetBreak implements Controller.
func (c *Client) SetBreak(ctx context.Context, b Break) (State, error) {
	return call[State](ctx, c, http.MethodPost, "breaks", b)
}

// ClearBreak implements Controller.
func (c *Client) ClearBreak(ctx context.Context, stage string) (State, error) {
	return call[State](ctx, c, http.MethodDelete, below("breaks", stage), nil)
}

// Faults implements Controller.
func (c *Client) Faults(ctx context.Context) ([]Fault, error) {
	return call[[]Fault](ctx, c, http.MethodGet, "faults", nil)
}

// SetFault implements Controller.
func (c *Client) SetFault(ctx context.Context, f Fault) ([]Fault, error) {
	return call[[]Fault](ctx, c, http.MethodPost, "faults", f)
}

// ClearFault implements Controller.
func (c *Client) ClearFault(ctx context.Context, name string) ([]Fault, error) {
	return call[[]Fault](ctx, c, http.MethodDelete, below("faults", name), nil)
}

// below returns path/name, or path alone if name is empty.
func below(path, name string) string {
	if name == "" {
		return path
	}
	return path + "/" + url.PathEscape(name)
}

// call makes one request and decodes its answer.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (out T, err error) {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return out, c.because(err)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		var op *url.Error
		if errors.As(err, &op) {
			err = op.Err // because adds the address
		}
		return out, c.because(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return out, c.refusal(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, c.because(fmt.Errorf("read answer: %w", err))
	}
	return out, nil
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	if base, err := url.Parse(c.Base); err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("use an address such as http://127.0.0.1:2378")
	}
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Base, "/")+prefix+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", jsonType)
		req.Header.Set(headerControl, controlValue)
	}
	return req, nil
}

func (c *Client) because(err error) error { return fmt.Errorf("trace endpoint %s: %w", c.Base, err) }

// refusal returns the error that the server sent.
func (c *Client) refusal(resp *http.Response) error {
	var p problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&p); err != nil || p.Error == "" {
		return c.because(fmt.Errorf("it answers %s, and is no GlassKV server's --listen-trace-url", resp.Status))
	}
	return errorOf(resp.StatusCode, p.Error)
}
