package upstream

import (
	"context"
	"net/http/httptrace"
	"time"
)

// deadlineKey is for the deadline of the request that a connection is made for.
type deadlineKey struct{}

// dialling returns a context whose deadline holds for its connections, too: net/http
// takes it off before it dials, and an upstream that never ends a handshake would keep
// the connection and its goroutines for ever.
func dialling(ctx context.Context) context.Context {
	end, _ := ctx.Deadline()
	return httptrace.WithClientTrace(context.WithValue(ctx, deadlineKey{}, end), &httptrace.ClientTrace{GotConn: inUse})
}

// deadlineOf returns the zero time, which is none, for a context that dialling did
// not make.
func deadlineOf(ctx context.Context) time.Time {
	end, _ := ctx.Value(deadlineKey{}).(time.Time)
	return end
}

// inUse takes the deadline off a connection that is ready: its request's own is
// watched by net/http, and later requests have others.
func inUse(info httptrace.GotConnInfo) { _ = info.Conn.SetDeadline(time.Time{}) }
