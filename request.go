package sei

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/input"
)

// call is one request as a handler sees it.
type call struct {
	*logical.Request
	// name is the integration or provider of the path, or "".
	name string
	// body is what a write sent, unparsed; see package input.
	body map[string]any
}

// maxName is long for a name and short for a key of any storage.
const maxName = 128

// checkName refuses names that Vault's pattern allows and its storage does not.
func (c call) checkName() error {
	if storable(c.name) {
		return nil
	}
	rule := fmt.Sprintf("a name must not contain two dots in a row or be longer than %d characters", maxName)
	if c.Operation == logical.CreateOperation || c.Operation == logical.UpdateOperation {
		return &backend.Error{Code: backend.CodeInvalidField, Fields: []string{"name"}, Message: rule}
	}
	if strings.HasPrefix(c.Path, notifyPath) {
		return &backend.Error{Code: backend.CodeUnknownTarget, Message: "there is no target of that name; " + rule}
	}
	return &backend.Error{Code: backend.CodeUnknownIntegration, Message: "there is no integration of that name; " + rule}
}

func storable(name string) bool { return len(name) <= maxName && !strings.Contains(name, "..") }

// actor is who sent the request, for the history.
func (c call) actor() backend.Actor {
	return backend.Actor{Via: c.Path, EntityID: c.EntityID, DisplayName: c.DisplayName, RequestID: c.ID}
}

// handler answers a call. Its errors become HTTP in respond.go.
type handler func(context.Context, call) (*logical.Response, error)

// serve adapts a handler to the framework.
func serve(h handler) framework.OperationFunc {
	return func(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
		c := call{Request: req, body: bodyOf(ctx)}
		if _, ok := data.Schema["name"]; ok {
			c.name, _ = data.Get("name").(string)
		}
		resp, err := (*logical.Response)(nil), c.checkName()
		if err == nil {
			resp, err = h(ctx, c)
		}
		if err != nil {
			return refuse(req.Operation, err)
		}
		return resp, nil
	}
}

// operation describes one verb of a path.
type operation struct {
	handler handler
	summary string
	// verb and suffix name the operation in OpenAPI, after the prefix "sei".
	verb, suffix string
	// answer lists the fields of the response; nil means that it has none.
	answer map[string]*framework.FieldSchema
	// warns is for an operation without fields that may answer with warnings.
	warns bool
	// refusals are the statuses beside success that the engine answers with.
	refusals []int
	// active makes standbys and secondaries forward: the operation touches the
	// upstream or writes storage.
	active bool
}

// operations builds the framework's form.
func operations(ops map[logical.Operation]operation) map[logical.Operation]framework.OperationHandler {
	built := make(map[logical.Operation]framework.OperationHandler, len(ops))
	for kind, op := range ops {
		built[kind] = &framework.PathOperation{
			Callback:                    serve(op.handler),
			Summary:                     op.summary,
			Responses:                   op.responses(),
			ForwardPerformanceStandby:   op.active,
			ForwardPerformanceSecondary: op.active,
			DisplayAttrs: &framework.DisplayAttributes{
				OperationPrefix: "sei", OperationVerb: op.verb, OperationSuffix: op.suffix,
			},
		}
	}
	return built
}

// responses describes what an operation answers with. Fields of a refusal would take
// the name of the answer's schema; see openapi.go.
func (o operation) responses() map[int][]framework.Response {
	described := map[int][]framework.Response{}
	if o.answer == nil {
		described[statusDone] = []framework.Response{{Description: "Done"}}
	} else {
		described[statusOK] = []framework.Response{{Description: "OK", Fields: answerFields(o.answer)}}
	}
	if o.warns {
		described[statusOK] = []framework.Response{{Description: "Done, with warnings", Fields: answerFields(map[string]*framework.FieldSchema{
			"warnings": {Type: framework.TypeStringSlice, Description: "What to look at. They stand beside data, which is empty."},
		})}}
	}
	for _, status := range o.refusals {
		described[status] = []framework.Response{{Description: refusalText(status)}}
	}
	return described
}

// warnOfQuery adds a warning to the answer of a read if its query has names that the path
// does not know. The callback is left out: authorization servers add names of their own; and so is
// the form of an invitation, which is a page.
func (e *engine) warnOfQuery(req *logical.Request, query map[string]any, resp *logical.Response) {
	reads := req.Operation == logical.ReadOperation || req.Operation == logical.ListOperation
	if !reads || len(query) == 0 || resp == nil || resp.IsError() || req.Path == callbackPath || strings.HasPrefix(req.Path, invite.Path) {
		return
	}
	if warning := input.UnknownQuery(query, e.queryNames(req)); warning != "" {
		resp.AddWarning(warning)
	}
}

// queryNames are the names that a read's query may have. Vault itself reads list, and
// leaves it where it is false.
func (e *engine) queryNames(req *logical.Request) []string {
	names := []string{"list"}
	path := e.Route(req.Path)
	if path == nil || req.Operation != logical.ReadOperation {
		return names
	}
	for name, field := range path.Fields {
		if field.Query {
			names = append(names, name)
		}
	}
	return names
}

type bodyKey struct{}

func withBody(ctx context.Context, body map[string]any) context.Context {
	return context.WithValue(ctx, bodyKey{}, body)
}

func bodyOf(ctx context.Context) map[string]any {
	body, _ := ctx.Value(bodyKey{}).(map[string]any)
	return body
}
