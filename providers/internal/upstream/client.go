package upstream

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"
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
	routes map[routeKey]*list.Element // of *openRoute
	recent *list.List                 // most recently used first
	closed bool
	// observe is told how long requests take; nil where nobody asked.
	observe func(asker string, took time.Duration)
}

type openRoute struct {
	key       routeKey
	transport *http.Transport
}

// New returns a client whose User-Agent names the engine's version.
func New(version string) *Client {
	return &Client{
		userAgent: product + version,
		routes:    make(map[routeKey]*list.Element),
		recent:    list.New(),
	}
}

// Close drops idle connections; those in use are dropped when their request
// ends. Later requests fail.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.recent.Len() > 0 {
		c.drop(c.recent.Back())
	}
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
	if el, ok := c.routes[key]; ok {
		c.recent.MoveToFront(el)
		return el.Value.(*openRoute).transport, nil //nolint:forcetypeassert // the list holds nothing else
	}
	t, err := r.transport()
	if err != nil {
		return nil, err
	}
	c.routes[key] = c.recent.PushFront(&openRoute{key: key, transport: t})
	if c.recent.Len() > maxRoutes {
		c.drop(c.recent.Back())
	}
	return t, nil
}

// drop forgets a route; the caller holds the lock.
func (c *Client) drop(el *list.Element) {
	route := c.recent.Remove(el).(*openRoute) //nolint:forcetypeassert // the list holds nothing else
	delete(c.routes, route.key)
	route.transport.CloseIdleConnections()
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
