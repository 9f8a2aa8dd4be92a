package sei

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/metrics"
)

// metricsPath is the only path that answers with a text.
const metricsPath = "metrics"

func (e *engine) pathMetrics() []*framework.Path {
	return []*framework.Path{{
		Pattern: metricsPath,
		Operations: operations(map[logical.Operation]operation{
			logical.ReadOperation: {handler: e.readMetrics, summary: "Read the metrics of the mount, in the text format of Prometheus.", verb: "read", suffix: "metrics", answer: metricsSchema()},
		}),
		HelpSynopsis:    "Metrics of the mount, in the text format of Prometheus.",
		HelpDescription: metricsHelp,
	}}
}

func (e *engine) readMetrics(ctx context.Context, _ call) (*logical.Response, error) {
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	all, err := e.store.Watch.All(ctx)
	if err != nil {
		return nil, err
	}
	text, err := e.metrics.Text(all.Assessments, e.now(), mount.MetricsByIntegration)
	if err != nil {
		return nil, err
	}
	return &logical.Response{Data: map[string]any{
		logical.HTTPContentType: metrics.ContentType, logical.HTTPRawBody: text, logical.HTTPStatusCode: statusOK,
	}}, nil
}

// countReauth counts a re-authentication that reached a credential.
func (e *engine) countReauth(change *backend.Change, err error) {
	var refusal *backend.Error
	switch {
	case err == nil:
		e.metrics.Reauth(change.Integration.Provider, "")
	case errors.As(err, &refusal):
		e.metrics.Reauth(refusal.Provider, refusal.Code)
	default:
		e.metrics.ReauthFailed("")
	}
}

// metricsSchema lists the series. The answer is a text of them: OpenAPI says so.
func metricsSchema() map[string]*framework.FieldSchema {
	fields := map[string]*framework.FieldSchema{}
	for name, help := range metrics.Series() {
		fields[name] = &framework.FieldSchema{Type: framework.TypeString, Description: help}
	}
	return fields
}

const metricsHelp = `
What is known of the integrations, and what was counted since the plugin's start. A read
asks no upstream. Labels hold names, providers, statuses and codes: no account and no
credential. With metrics_by_integration=false in config the series of single integrations
are left out.

    vault read -format=raw sei/metrics
`
