package engine

import (
	"context"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/console/vaultapi"
)

// Vault is who is asked.
type Vault interface {
	Read(ctx context.Context, path string, into any) ([]string, error)
	List(ctx context.Context, path string, into any) ([]string, error)
	Write(ctx context.Context, path string, fields map[string]any, into any) ([]string, error)
	Rights(ctx context.Context, paths ...string) (vaultapi.Rights, error)
	Named(ctx context.Context, prefix string) ([]string, error)
}

// Mount is one mount of the engine.
type Mount struct {
	vault Vault
	path  string // ends with a slash
}

// At returns the mount at a path.
func At(vault Vault, path string) Mount {
	return Mount{vault, strings.Trim(path, "/") + "/"}
}

// Types are those that mounts of the engine have: under which it is registered by the
// documentation, and by a development server.
func Types() []string { return []string{"sei", "vault-plugin-secrets-sei"} }

// Path is the mount's, with a slash at its end.
func (m Mount) Path() string { return m.path }

// Rights are what the token may do at paths below the mount.
type Rights struct {
	mount  Mount
	rights vaultapi.Rights
}

// Rights asks what the token may do at paths of the mount, in one request.
func (m Mount) Rights(ctx context.Context, paths ...string) (Rights, error) {
	full := make([]string, 0, len(paths))
	for _, path := range paths {
		full = append(full, m.path+path)
	}
	rights, err := m.vault.Rights(ctx, full...)
	return Rights{m, rights}, err
}

// Read reports whether the token may read a path.
func (r Rights) Read(path string) bool { return r.rights.May(r.mount.path+path, "read") }

// List reports whether the token may list a path.
func (r Rights) List(path string) bool { return r.rights.May(r.mount.path+path, "list") }

// Write reports whether the token may write a path.
func (r Rights) Write(path string) bool { return r.rights.May(r.mount.path+path, "update") }

// Create reports whether the token may make what is not there yet.
func (r Rights) Create(path string) bool { return r.rights.May(r.mount.path+path, "create") }

// Names returns the integrations that the token's policies name in full, sorted: what
// somebody may work with who may not list. Where Vault does not tell, there are none.
func (m Mount) Names(ctx context.Context) []string {
	paths, err := m.vault.Named(ctx, m.path)
	if err != nil {
		return nil
	}
	families := []string{"integrations/", "reauth/", "validate/", "health/", "history/", "rotate/", "rollback/", "invites/", "oauth/authorize/"}
	var names []string
	for _, path := range paths {
		for _, family := range families {
			if name, ok := strings.CutPrefix(path, family); ok && IsName(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// IsName reports whether a text can be the name of an integration, so that it leads to its
// own paths and no others.
func IsName(name string) bool {
	if name == "" || len(name) > 128 || strings.Contains(name, "..") {
		return false
	}
	for i, r := range name {
		word := r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		edge := i == 0 || i == len(name)-1
		if !word && (edge || r != '-' && r != '.') {
			return false
		}
	}
	return true
}
