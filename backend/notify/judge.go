package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// What a key for signatures must have, as Standard Webhooks says.
const (
	keyPrefix   = "whsec_"
	shortestKey = 24
	longestKey  = 64
)

// judge refuses settings of a target that are incomplete or could not work. before is nil
// for one that is new; sent are the settings of the write.
func judge(before, after *Target, sent providers.Settings, allowed providers.AllowedHosts, poster providers.Poster) error {
	if after.Settings.Secret(fieldURL).Empty() {
		return refuse(backend.CodeMissingField, fieldURL, "url is required: where messages are posted")
	}
	if before != nil && sent.Secret(fieldURL).Empty() {
		if changed := moved(before, after); len(changed) > 0 {
			return refuse(backend.CodeMissingField, fieldURL, strings.Join(changed, " and ")+" decides who sees the url, which is a secret; send url again together with the change")
		}
	}
	for _, name := range after.Settings.List(fieldEvents) {
		if !slices.Contains(Events(), Event(name)) {
			return refuse(backend.CodeInvalidField, fieldEvents, "events must be of "+strings.Join(names(Events()), ", "))
		}
	}
	for _, glob := range after.Settings.List(fieldNames) {
		if strings.ContainsAny(glob, `?[]\`) { // path.Match takes them, too
			return refuse(backend.CodeInvalidField, fieldNames, "integrations must be names, with * for any part of one")
		}
	}
	if _, err := signingKey(after.Settings.Secret(fieldSigningKey)); err != nil {
		return refuse(backend.CodeInvalidField, fieldSigningKey, "signing_key "+err.Error())
	}
	return addressFits(after.posting(allowed), poster)
}

// canInvite refuses to have links sent while nobody knows by which address people reach
// Vault.
func (n *Notifier) canInvite(ctx context.Context, sent providers.Settings) error {
	if !sent.Flag(fieldInvite) {
		return nil
	}
	can, err := n.inviter.CanInvite(ctx)
	if err == nil && !can {
		err = refuse(backend.CodeMissingField, fieldInvite, "invite needs an address for its links: write public_address to config first")
	}
	return err
}

func refuse(code, field, message string) error {
	return &backend.Error{Code: code, Fields: []string{field}, Message: message}
}

// addressFits judges the address and the way there.
func addressFits(p providers.Posting, poster providers.Poster) error {
	err := poster.Check(p)
	var cause *providers.Error
	if errors.As(err, &cause) {
		return &backend.Error{Code: string(cause.Outcome), Fields: cause.Fields, Message: strings.Join(cause.Fields, ", ") + ": " + cause.Detail}
	}
	return err
}

// moved names the settings that changed and decide who sees the address.
func moved(before, after *Target) []string {
	var changed []string
	for _, f := range Fields() {
		if f.Locates && before.Settings.Text(f.Name) != after.Settings.Text(f.Name) {
			changed = append(changed, f.Name)
		}
	}
	return changed
}

// signingKey reads a key, nil for none.
func signingKey(secret providers.Secret) ([]byte, error) {
	if secret.Empty() {
		return nil, nil
	}
	text, ok := strings.CutPrefix(secret.Reveal(), keyPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < shortestKey || len(key) > longestKey {
		return nil, fmt.Errorf("must be %s and %d to %d bytes in base64", keyPrefix, shortestKey, longestKey)
	}
	return key, nil
}

// Host is the host that the target's messages go to, with its port where it names one.
func (t *Target) Host() string {
	u, err := url.Parse(t.Settings.Secret(fieldURL).Reveal())
	if err != nil {
		return ""
	}
	return u.Host
}
