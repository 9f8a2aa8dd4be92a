package vaultapi

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// Mounts returns the paths of the mounts of some types at which the token may do anything,
// sorted. It needs no right of its own.
func (c *Client) Mounts(ctx context.Context, types ...string) ([]string, error) {
	var found struct {
		Secret map[string]struct {
			Type string `json:"type"`
		} `json:"secret"`
	}
	if _, err := c.Read(ctx, "sys/internal/ui/mounts", &found); err != nil {
		return nil, err
	}
	var paths []string
	for path, mount := range found.Secret {
		if slices.Contains(types, mount.Type) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// Named returns, of the paths below a prefix that the token's policies spell out in full,
// what follows the prefix, sorted. It is empty where the token may not look.
func (c *Client) Named(ctx context.Context, prefix string) ([]string, error) {
	var acl struct {
		Exact map[string]json.RawMessage `json:"exact_paths"`
	}
	if _, err := c.Read(ctx, "sys/internal/ui/resultant-acl", &acl); err != nil {
		return nil, err
	}
	if ns := c.Namespace(); ns != "" {
		prefix = ns + "/" + prefix
	}
	var rest []string
	for path := range acl.Exact {
		if below, ok := strings.CutPrefix(path, prefix); ok && below != "" {
			rest = append(rest, below)
		}
	}
	slices.Sort(rest)
	return rest, nil
}
