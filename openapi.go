package sei

import (
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend/invite"
)

// The statuses of answers; respond.go says how refusals get theirs.
const (
	statusOK       = 200
	statusDone     = 204
	statusRefused  = 400
	statusNone     = 404
	statusBroken   = 500
	statusUpstream = 502
)

// completeOpenAPI completes the OpenAPI document in the answer to a request for help, which
// Vault's API explorer shows. Vault reads the document of an external plugin without its
// references, so that every form would be empty: their schemas are put in their places.
func completeOpenAPI(resp *logical.Response) {
	if resp == nil {
		return
	}
	doc, ok := resp.Data["openapi"].(*framework.OASDocument)
	if !ok {
		return
	}
	named := doc.Components.Schemas
	for path, item := range doc.Paths {
		for _, op := range []*framework.OASOperation{item.Get, item.Post, item.Patch, item.Delete} {
			switch {
			case op == nil:
			case path == "/"+callbackPath, strings.HasPrefix(path, "/"+invite.Path):
				describePages(op, named)
			case path == "/"+metricsPath:
				describeText(op.Responses)
			default:
				describeJSON(op, named)
			}
		}
	}
	doc.Components.Schemas = map[string]*framework.OASSchema{}
}

// describePages says that every answer is a page, and that a form is what is sent. The
// fields that the operation lists as its answer are for the audit log.
func describePages(op *framework.OASOperation, named map[string]*framework.OASSchema) {
	if op.RequestBody != nil {
		inline(op.RequestBody.Content, named)
		for _, form := range op.RequestBody.Content {
			op.RequestBody.Content = framework.OASContent{"application/x-www-form-urlencoded": form}
		}
	}
	for _, answer := range op.Responses {
		answer.Content = framework.OASContent{"text/html": {Schema: &framework.OASSchema{Type: "string", Description: "A page for a person."}}}
	}
}

// describeText says that the answer is the text of metrics.
func describeText(answers map[int]*framework.OASResponse) {
	for _, answer := range answers {
		answer.Content = framework.OASContent{"text/plain": {Schema: &framework.OASSchema{Type: "string", Description: "The text format of Prometheus."}}}
	}
}

func describeJSON(op *framework.OASOperation, named map[string]*framework.OASSchema) {
	if op.RequestBody != nil {
		inline(op.RequestBody.Content, named)
	}
	for status, answer := range op.Responses {
		switch {
		case status >= statusRefused:
			answer.Content = framework.OASContent{"application/json": {Schema: refusalSchema()}}
		case status == statusDone:
			answer.Content = nil
		default:
			inline(answer.Content, named)
		}
	}
}

func inline(content framework.OASContent, named map[string]*framework.OASSchema) {
	const prefix = "#/components/schemas/"
	for _, media := range content {
		if media.Schema == nil || media.Schema.Ref == "" {
			continue
		}
		if s := named[strings.TrimPrefix(media.Schema.Ref, prefix)]; s != nil {
			media.Schema = s
		}
	}
}

// refusalSchema is the body of a refusal, see respond.go.
func refusalSchema() *framework.OASSchema {
	text := func(description string) *framework.OASSchema {
		return &framework.OASSchema{Type: "string", Description: description}
	}
	texts := func(description string) *framework.OASSchema {
		return &framework.OASSchema{Type: "array", Description: description, Items: &framework.OASSchema{Type: "string"}}
	}
	return &framework.OASSchema{Type: "object", Properties: map[string]*framework.OASSchema{
		"errors": texts("The code and a sentence: what is wrong, what was kept and what to do."),
		"data": {Type: "object", Description: "The refusal, for scripts.", Properties: map[string]*framework.OASSchema{
			"code":        text("The code of the refusal."),
			"integration": text("Name of the integration."),
			"provider":    text("Its provider."),
			"url":         text("Where a person can act."),
			"fields":      texts("The fields that the refusal is about."),
			"missing":     texts("What the credential lacks."),
			"siblings":    texts("Integrations that share the credential and differ."),
			"retry_after": {Type: "integer", Description: "Seconds to wait."},
			"members":     {Type: "array", Description: "The tokens of a pool that were refused: position, fingerprint, code.", Items: &framework.OASSchema{Type: "object"}},
		}},
	}}
}

// refusalText says when an operation answers with a status.
func refusalText(status int) string {
	switch status {
	case statusRefused:
		return "Refused: the code says why. Nothing was changed."
	case statusNone:
		return "There is nothing of that name, or nothing to list."
	case statusUpstream:
		return "The upstream gave no clear answer. Nothing was changed."
	default:
		return "Something else went wrong. Nothing was changed."
	}
}

// answerFields is how fields read back: none is required, durations are whole seconds, and each
// has a name and a group to be shown with.
func answerFields(fields map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	read := make(map[string]*framework.FieldSchema, len(fields))
	for name, field := range fields {
		f, shown := *field, framework.DisplayAttributes{}
		if f.DisplayAttrs != nil {
			shown = *f.DisplayAttrs
		}
		if shown.Name == "" {
			shown.Name = title(name)
		}
		if shown.Group == "" {
			shown.Group = stateGroup
		}
		f.DisplayAttrs, f.Required = &shown, false
		if f.Type == framework.TypeDurationSecond {
			f.Type = framework.TypeInt64
		}
		read[name] = &f
	}
	return read
}

// title is a field's name for people.
func title(name string) string {
	words := strings.Split(name, "_")
	short := []string{"id", "ttl", "uri", "url"}
	for i, word := range words {
		if slices.Contains(short, word) {
			words[i] = strings.ToUpper(word)
		} else if i == 0 && word != "" {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}
