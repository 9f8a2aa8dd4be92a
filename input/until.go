package input

import (
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// UntilFields are what the query of a read of creds/ may say of waiting.
func UntilFields() []providers.Field {
	return []providers.Field{
		{Name: "wait", Title: "Wait", Kind: providers.Duration, Max: int64(backend.LongestWait / time.Second), Description: "Seconds to wait, at most, for another credential than that of version or fingerprint. 0 does not wait."},
		{Name: "version", Title: "Version", Kind: providers.Count, Description: "Version of the credential that you have: a read with wait is answered once there is another."},
		{Name: "fingerprint", Title: "Fingerprint", Kind: providers.Text, Description: "Fingerprint of the token that you have, in the place of version: a read with wait is answered once another token would be handed out, also where an access token was renewed or a pool has a better one."},
	}
}

// Until reads which credential a worker has, and how long it waits for another.
func Until(query map[string]any) (backend.Until, error) {
	if len(query) == 0 {
		return backend.Until{}, nil
	}
	fields := UntilFields()
	settings, err := Settings(fields, query)
	if err != nil {
		return backend.Until{}, err
	}
	u := backend.Until{
		Wait:    time.Duration(settings.Number("wait")) * time.Second,
		Version: int(settings.Number("version")), Fingerprint: settings.Text("fingerprint"),
	}
	_, byVersion := query["version"]
	_, byFingerprint := query["fingerprint"]
	var bad invalid
	switch {
	case byFingerprint && u.Fingerprint == "":
		bad.note("fingerprint", errBlank)
		return u, bad.err()
	case byVersion && byFingerprint:
		return u, FieldError(backend.CodeInvalidField, []string{"version", "fingerprint"}, "%s cannot be sent together: version waits for another credential, fingerprint also for another token of it")
	case u.Wait > 0 && !byVersion && !byFingerprint:
		return u, FieldError(backend.CodeMissingField, []string{"version"}, "%s is required to wait, or fingerprint: which credential you have, from the last answer")
	}
	return u, nil
}
