package host

import (
	"context"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/vault/sdk/helper/pluginutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// connection is one mount's part of the connection to the process: each call carries the
// mount's id, by which the plugin knows which of its engines is meant.
type connection struct {
	goplugin.ClientProtocol
	shared *grpc.ClientConn
	id     string
}

var (
	_ pluginutil.PluginClient  = (*connection)(nil)
	_ grpc.ClientConnInterface = (*connection)(nil)
)

// Conn is what the SDK calls the mount's engine by.
func (c *connection) Conn() grpc.ClientConnInterface { return c }

// Close leaves the process to the other mounts.
func (c *connection) Close() error { return nil }

// Reload does nothing: a host mounts again instead.
func (c *connection) Reload() error { return nil }

// Invoke calls a method of the mount's engine.
func (c *connection) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.shared.Invoke(c.marked(ctx), method, args, reply, opts...)
}

// NewStream opens a stream to the mount's engine.
func (c *connection) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.shared.NewStream(c.marked(ctx), desc, method, opts...)
}

func (c *connection) marked(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.Pairs(pluginutil.MultiplexingCtxKey, c.id))
}
