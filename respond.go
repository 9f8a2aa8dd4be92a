package sei

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// maxFaultWarnings is how many faults one answer lists.
const maxFaultWarnings = 10

// refuse turns an error into an answer. It is the only place that does.
//
// Vault answers every error response with a 400 unless it comes with one of a
// few sentinels, and those must not be wrapped. So: no sentinel is a 400,
// ErrUnsupportedPath a 404, ErrUpstreamRateLimited a 502, anything else a 500.
func refuse(op logical.Operation, err error) (*logical.Response, error) {
	var refusal *backend.Error
	switch {
	case errors.As(err, &refusal):
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, errors.New("the request ended before it was finished; nothing that was in progress is half-done")
	default:
		return nil, err
	}
	// Vault looks for this phrase in texts, also in ours, and would answer 503.
	text := strings.ReplaceAll(refusal.Error(), consts.ErrOverloaded.Error(), "overloaded")
	resp := logical.ErrorResponseWithData(refusalData(refusal), "%s", text)
	switch statusOf(refusal) {
	case statusNone:
		if op == logical.ReadOperation {
			// Vault's client library takes a 404 with data for a success, and
			// Terraform would keep what is gone.
			delete(resp.Data, "data")
		}
		return resp, logical.ErrUnsupportedPath
	case statusUpstream:
		return resp, logical.ErrUpstreamRateLimited
	default:
		return resp, nil
	}
}

// statusOf is the HTTP status that a refusal gets.
func statusOf(e *backend.Error) int {
	switch e.Code {
	case backend.CodeUnknownIntegration, backend.CodeNoCredential, backend.CodeUnknownTarget:
		return statusNone
	case string(providers.Unreachable), string(providers.UpstreamError):
		return statusUpstream
	default:
		return statusRefused
	}
}

// refusalData is a refusal for scripts.
func refusalData(e *backend.Error) map[string]any {
	data := map[string]any{"code": e.Code}
	set := func(key, value string) {
		if value != "" {
			data[key] = value
		}
	}
	set("integration", e.Integration)
	set("provider", e.Provider)
	set("url", e.URL)
	if len(e.Fields) > 0 {
		data["fields"] = e.Fields
	}
	if len(e.Missing) > 0 {
		data["missing"] = e.Missing
	}
	if len(e.Siblings) > 0 {
		data["siblings"] = e.Siblings
	}
	if e.RetryAfter > 0 {
		data["retry_after"] = e.RetryAfter
	}
	if len(e.Members) > 0 {
		data["members"] = refusedMembers(e.Members)
	}
	return data
}

func refusedMembers(members []backend.RefusedMember) []map[string]any {
	list := make([]map[string]any, 0, len(members))
	for _, m := range members {
		list = append(list, map[string]any{"position": m.Position, "fingerprint": m.Fingerprint, "code": m.Code})
	}
	return list
}

// about adds the integration and its provider to a refusal from parsing.
func about(err error, integration, provider string) error {
	var refusal *backend.Error
	if errors.As(err, &refusal) {
		refusal.Integration, refusal.Provider = integration, provider
	}
	return err
}

// answer is a response with data.
func answer(data map[string]any, warnings ...string) *logical.Response {
	return &logical.Response{Data: data, Warnings: warnings}
}

// timestamp is how a time reads in answers: RFC 3339 in UTC, or "" for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// warnOfFaults adds the faults of the work beside requests, of one integration, or of all
// with "". Without the warning an old status would look up to date.
func (e *engine) warnOfFaults(resp *logical.Response, name string) {
	faults := e.store.Faults(name)
	for i, f := range faults {
		if i == maxFaultWarnings {
			resp.AddWarning(fmt.Sprintf("%d more faults like these; health/NAME has those of an integration", len(faults)-i))
			return
		}
		resp.AddWarning(f.Sentence())
	}
}
