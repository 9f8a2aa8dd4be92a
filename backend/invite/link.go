package invite

import "vault-plugin-secrets-sei/providers"

// Path is where an invitation is opened, below the mount.
const Path = "invite/"

// Link is the address of an invitation. mount is the path of the mount.
func Link(publicAddress, mount string, token providers.Secret) providers.Secret {
	return providers.NewSecret(publicAddress + "/v1/" + mount + Path + token.Reveal())
}
