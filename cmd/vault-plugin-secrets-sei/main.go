// Command vault-plugin-secrets-sei is the plugin that Vault starts. It is not
// run by hand.
package main

import (
	"io"
	"log"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"

	sei "vault-plugin-secrets-sei"
)

func main() {
	// net/http writes to it what an upstream sends unasked, which Vault would log; the
	// engine itself uses Vault's logger.
	log.SetOutput(io.Discard)
	if err := serve(os.Args[1:]); err != nil {
		hclog.New(&hclog.LoggerOptions{JSONFormat: true}).Error("the plugin stopped", "error", err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(args); err != nil {
		return err
	}
	return plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: sei.Factory,
		// Only Vaults older than 1.12 use it; newer ones bring their own TLS.
		TLSProviderFunc: api.VaultPluginTLSProvider(meta.GetTLSConfig()),
	})
}
