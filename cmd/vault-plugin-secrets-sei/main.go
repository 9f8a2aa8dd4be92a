// Command vault-plugin-secrets-sei is the plugin that Vault starts. It is not
// run by hand.
package main

import (
	"io"
	"log"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/plugin"

	sei "vault-plugin-secrets-sei"
)

func main() {
	// net/http writes to it what an upstream sends unasked, which Vault would log; the
	// engine itself uses Vault's logger.
	log.SetOutput(io.Discard)
	if err := plugin.ServeMultiplex(&plugin.ServeOpts{BackendFactoryFunc: sei.WatchPauses().Factory}); err != nil {
		hclog.New(&hclog.LoggerOptions{JSONFormat: true}).Error("the plugin stopped", "error", err)
		os.Exit(1)
	}
}
