package upstream

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxRoutes bounds how many routes keep connections open.
const maxRoutes = 64

// defaultLimit bounds a request whose context has no deadline.
const defaultLimit = 30 * time.Second

// product names the engine in the User-Agent.
const product = "vault-plugin-secrets-sei/"

// Client sends requests. It is safe for concurrent use; Close it when it is no
// longer used.
type Client struct {
	userAgent string

	mu     sync.Mutex
	routes *simplelru.LRU[routeKey, *http.Transport]
	closed bool
	// observe is told how long requests take; nil where nobody asked.
	observe func(asker string, took time.Duration)
}

// New returns a client whose User-Agent names the engine's version.
func New(version string) *Client {
	drop := func(_ routeKey, t *http.Transport) { t.CloseIdleConnections() }
	routes, _ := simplelru.NewLRU(maxRoutes, drop) // fails for a size of none
	return &Client{userAgent: product + version, routes: routes}
}

// Close drops idle connections; those in use are dropped when their request
// ends. Later requests fail.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.routes.Purge()
}

// TimeRequests has observe called with how long each request took, also one that had no
// answer, and one that is sent again each time. What is never sent takes no time. Call it
// before the client is used.
func (c *Client) TimeRequests(observe func(asker string, took time.Duration)) { c.observe = observe }

// timed tells of a request that has ended.
func (c *Client) timed(asker string, begun time.Time) {
	if c.observe != nil {
		c.observe(asker, time.Since(begun))
	}
}

// transport returns the route's transport, which is kept so that connections
// are used again.
func (c *Client) transport(r Route) (*http.Transport, *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, newError(Canceled, "", "the engine is shutting down")
	}
	key := r.key()
	if t, ok := c.routes.Get(key); ok {
		return t, nil
	}
	t, err := r.transport()
	if err != nil {
		return nil, err
	}
	c.routes.Add(key, t)
	return t, nil
}

// Do sends a request and reads the whole answer, whatever its status. A request
// that only reads is sent once more after a broken connection or a 5xx, if the
// deadline allows. The error is an *Error.
func (c *Client) Do(ctx context.Context, route Route, req Request) (*Response, error) {
	ctx, cancel := withLimit(ctx)
	defer cancel()
	res, err := c.once(ctx, route, req)
	if req.ReadOnly && retryable(res, err) && pause(ctx) {
		res, err = c.once(ctx, route, req)
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

func withLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultLimit)
}
