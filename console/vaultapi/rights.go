package vaultapi

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// Rights say what a token may do, by path. Of a path that was not asked about they say that
// nothing may be done.
type Rights map[string][]string

// Rights asks Vault once what the token may do at some paths, and tells nobody's but its own.
func (c *Client) Rights(ctx context.Context, paths ...string) (Rights, error) {
	rights := Rights{}
	_, err := c.Write(ctx, "sys/capabilities-self", map[string]any{"paths": paths}, &lenient{rights, paths})
	if r := (*Refusal)(nil); errors.As(err, &r) && r.Denied() && !r.Ended() {
		r.Sentence = "your token may not ask what it may do: it needs update at sys/capabilities-self, which Vault's policy default gives; or it has ended, which OpenBao does not tell apart"
	}
	return rights, err
}

// May reports whether any of the capabilities is given at a path.
func (r Rights) May(path string, capabilities ...string) bool {
	have := r[path]
	if slices.Contains(have, "root") {
		return true
	}
	return slices.ContainsFunc(capabilities, func(one string) bool { return slices.Contains(have, one) })
}

// lenient takes of the answer about capabilities what it asked about. Vault adds the
// capabilities of a single path under another key.
type lenient struct {
	rights Rights
	paths  []string
}

// UnmarshalJSON reads the lists of the paths.
func (l *lenient) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	for _, path := range l.paths {
		var list []string
		if err := json.Unmarshal(all[path], &list); err == nil {
			l.rights[path] = list
		}
	}
	return nil
}
