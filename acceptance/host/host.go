package host

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/helper/pluginutil"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin"
)

// name is what the plugin is called in logs.
const name = "vault-plugin-secrets-sei"

// Host is one process of the plugin. It is safe for concurrent use.
type Host struct {
	client *goplugin.Client
	rpc    *goplugin.GRPCClient
	system *logical.StaticSystemView
	logger hclog.Logger
}

// Program is a plugin as an operator registers it: where it is, and the sum of what it
// was then.
type Program struct {
	path string
	sum  []byte
}

// Register reads the program at the path and keeps its sum.
func Register(path string) (Program, error) {
	content, err := os.ReadFile(path) //nolint:gosec // whoever registers it says which
	if err != nil {
		return Program{}, err
	}
	sum := sha256.Sum256(content)
	return Program{path: path, sum: sum[:]}, nil
}

// Start starts the program, unless it has changed since it was registered. What the
// plugin logs goes to log, as JSON. The caller closes the host.
func (p Program) Start(ctx context.Context, log io.Writer) (*Host, error) {
	h := &Host{
		system: &logical.StaticSystemView{VersionString: "0.0.0-host"},
		logger: hclog.New(&hclog.LoggerOptions{Output: log, JSONFormat: true, Level: hclog.Info}),
	}
	runner := &pluginutil.PluginRunner{Name: name, Type: consts.PluginTypeSecrets, Command: p.path, Sha256: p.sum}
	var err error
	h.client, err = runner.RunConfig(ctx,
		pluginutil.Runner(h.system), pluginutil.PluginSets(plugin.PluginSet),
		pluginutil.HandshakeConfig(plugin.HandshakeConfig), pluginutil.AutoMTLS(true), pluginutil.Logger(h.logger))
	if err != nil {
		return nil, err
	}
	return h, h.connect(ctx)
}

// connect waits until the program is there, and demands that one process serves many
// mounts, which Vault does wherever a plugin can.
func (h *Host) connect(ctx context.Context) error {
	client, err := h.client.Client()
	if err != nil {
		h.Close()
		return fmt.Errorf("the plugin does not start: %w", err)
	}
	rpc, ok := client.(*goplugin.GRPCClient)
	if !ok {
		h.Close()
		return errors.New("the plugin does not speak gRPC")
	}
	h.rpc = rpc
	multiplexed, err := pluginutil.MultiplexingSupported(ctx, rpc.Conn, name)
	if err == nil && !multiplexed {
		err = errors.New("the plugin serves one mount a process only")
	}
	if err != nil {
		h.Close()
	}
	return err
}

// Version is the protocol version that was agreed on.
func (h *Host) Version() int { return h.client.NegotiatedVersion() }

// PID is the id of the plugin's process.
func (h *Host) PID() int {
	if reattach := h.client.ReattachConfig(); reattach != nil {
		return reattach.Pid
	}
	return 0
}

// Exited reports whether the process is gone.
func (h *Host) Exited() bool { return h.client.Exited() }

// Close ends the process, and the mounts with it.
func (h *Host) Close() { h.client.Kill() }

// Mount makes one more mount in the process, over a storage of the caller's, as Vault
// does when the engine is mounted or loaded again.
func (h *Host) Mount(ctx context.Context, storage logical.Storage) (*Mount, error) {
	engine, err := plugin.Dispense(h.rpc, &connection{ClientProtocol: h.rpc, shared: h.rpc.Conn, id: rand.Text()})
	if err != nil {
		return nil, err
	}
	conf := &logical.BackendConfig{
		Logger: h.logger, System: h.system, StorageView: storage, BackendUUID: rand.Text(),
		Config: map[string]string{"plugin_name": name, "plugin_type": "secret"},
	}
	if err := engine.Setup(ctx, conf); err != nil {
		return nil, fmt.Errorf("the engine cannot be set up: %w", err)
	}
	if err := engine.Initialize(ctx, &logical.InitializationRequest{Storage: storage}); err != nil {
		return nil, fmt.Errorf("the engine cannot be initialised: %w", err)
	}
	return &Mount{engine: engine, storage: storage}, nil
}
