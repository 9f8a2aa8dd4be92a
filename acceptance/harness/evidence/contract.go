package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Contract is the engine's part of the OpenAPI document of a real server.
type Contract struct {
	doc    *openapi3.T
	Routes []Route
}

// Route is an operation and the requests that it is for, by their path below the mount.
type Route struct {
	method  string
	Path    *regexp.Regexp
	Answers *openapi3.Operation
}

// Exchange is an answer and what was asked. It may hold secrets, so nothing writes it.
type Exchange struct {
	method string // as the document has it: a list is a GET
	path   string // below the mount, with the slash of a list
	status int
	kind   string // the media type
	body   []byte
}

// CutMount leaves of Vault's document the paths of one mount, without the mount: what other
// engines say of themselves is theirs.
func CutMount(document []byte, mount string) ([]byte, error) {
	var whole map[string]any
	if err := json.Unmarshal(document, &whole); err != nil {
		return nil, err
	}
	all, _ := whole["paths"].(map[string]any)
	own := map[string]any{}
	for path, item := range all {
		if below, ok := strings.CutPrefix(path, "/"+mount+"/"); ok {
			own["/"+below] = item
		}
	}
	if len(own) == 0 {
		return nil, fmt.Errorf("the document has no path of %s/", mount)
	}
	whole["paths"] = own
	delete(whole, "components") // nothing of the engine may refer to it, see openapi.go
	return json.Marshal(whole)
}

// NewContract reads a document that was cut, and demands that it is valid.
func NewContract(document []byte) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	c := &Contract{doc: doc}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, answer := range operation.Responses.Map() {
				closeSchemas(answer.Value.Content)
			}
			c.Routes = append(c.Routes, Route{method, pathPattern(path), operation})
		}
	}
	return c, nil
}

// pathPattern matches the requests of a path of the document.
func pathPattern(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "[^/]+") + "$")
}

// closeSchemas forbids fields that are not described, where any are.
func closeSchemas(content openapi3.Content) {
	for _, media := range content {
		closeSchema(media.Schema)
	}
}

func closeSchema(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil || len(ref.Value.Properties) == 0 {
		return
	}
	closed := false
	ref.Value.AdditionalProperties.Has = &closed
	for _, property := range ref.Value.Properties {
		closeSchema(property)
	}
}

// Exchanged tells whether a request is at a mount of the engine, and what came of it. The
// mounts of the tests are sei and sei-<story>. Help and wrapped answers are Vault's.
func Exchanged(answer *http.Response, body []byte) (Exchange, bool) {
	request := answer.Request
	mount, path, found := strings.Cut(strings.TrimPrefix(request.URL.Path, "/v1/"), "/")
	query, _ := url.ParseQuery(request.URL.RawQuery) // the callback gets what makes no sense, too
	if !found || mount != "sei" && !strings.HasPrefix(mount, "sei-") || query.Has("help") || request.Header.Get("X-Vault-Wrap-Ttl") != "" {
		return Exchange{}, false
	}
	e := Exchange{method: request.Method, path: "/" + path, status: answer.StatusCode, body: body}
	e.kind, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case e.method == http.MethodPut:
		e.method = http.MethodPost
	case e.method == "LIST" || e.method == http.MethodGet && query.Get("list") == "true":
		e.method, e.path = http.MethodGet, strings.TrimSuffix(e.path, "/")+"/"
	}
	return e, true
}

// operation returns the operation that answered, if there is one.
func (c *Contract) operation(e Exchange) (*openapi3.Operation, bool) {
	for _, r := range c.Routes {
		if r.method == e.method && r.Path.MatchString(e.path) {
			return r.Answers, true
		}
	}
	return nil, false
}

// Check says which operation answered, and how its answer differs from what the document
// says: the path and the field, never a value. A refusal that the document does not list,
// or that has no body, is Vault's own, such as that of a policy or of a malformed path,
// and so is a redirect, from a node that has just ceased to be the leader.
func (c *Contract) Check(e Exchange) (operation string, err error) {
	op, found := c.operation(e)
	good := e.status < http.StatusMultipleChoices
	if !found && good {
		return "", fmt.Errorf("%s %s: the document has no such operation", e.method, e.path)
	} else if !found {
		return "", nil
	}
	described := op.Responses.Value(strconv.Itoa(e.status))
	if !good && (described == nil || len(e.body) == 0) {
		return "", nil
	}
	where := fmt.Sprintf("%s (%s), answer %d", op.OperationID, e.method, e.status)
	if described == nil {
		return op.OperationID, fmt.Errorf("%s: the document has no such answer", where)
	}
	if err := fits(described.Value.Content, e, good); err != nil {
		return op.OperationID, fmt.Errorf("%s: %w", where, err)
	}
	return op.OperationID, nil
}

// fits compares a body. What an operation says of a success is the data in Vault's
// envelope; what it says of a refusal is the body.
func fits(content openapi3.Content, e Exchange, good bool) error {
	if len(content) == 0 || len(e.body) == 0 {
		if len(content) != 0 || len(e.body) != 0 {
			return fmt.Errorf("described are %d media types, and the body has %d bytes", len(content), len(e.body))
		}
		return nil
	}
	media := content[e.kind]
	if media == nil {
		return fmt.Errorf("the media type %s is not described", e.kind)
	}
	if e.kind != "application/json" {
		return nil
	}
	var body map[string]any
	if err := json.Unmarshal(e.body, &body); err != nil {
		return errors.New("the body is no JSON object")
	}
	var value any = body
	if good {
		value = body["data"]
	}
	if warnings := body["warnings"]; good && value == nil && warnings != nil { // all there is to say stands beside the data
		value = map[string]any{"warnings": warnings}
	}
	return withoutValues(media.Schema.Value.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.MultiErrors()))
}

// withoutValues names what a schema does not allow. The library's own text quotes it.
func withoutValues(err error) error {
	var several openapi3.MultiError
	if errors.As(err, &several) {
		all := make([]error, 0, len(several))
		for _, one := range several {
			all = append(all, withoutValues(one))
		}
		return errors.Join(all...)
	}
	var schema *openapi3.SchemaError
	if !errors.As(err, &schema) {
		return err
	}
	at := strings.Join(schema.JSONPointer(), ".")
	switch schema.SchemaField {
	case "type", "nullable":
		return fmt.Errorf("field %q is not of the type %s", at, strings.Join(schema.Schema.Type.Slice(), " or "))
	case "properties":
		return fmt.Errorf("in %q: %s", at, schema.Reason) // it names the field that is unknown
	default:
		return fmt.Errorf("field %q breaks the rule %q of its schema", at, schema.SchemaField)
	}
}
