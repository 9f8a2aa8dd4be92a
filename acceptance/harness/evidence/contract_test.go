package evidence

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A difference is told with the operation and the field, and without what stands there.
func TestADifferenceFromTheDocumentIsTold(t *testing.T) {
	const secret = "s3cret"
	whole := `{"openapi": "3.0.2", "info": {"title": "t", "version": "1"}, "paths": {
		"/other/x": {"get": "not valid"},
		"/sei/it/{name}": {
			"parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
			"get": {"operationId": "read-it", "responses": {
				"204": {"description": "nothing"},
				"200": {"description": "it", "content": {"application/json": {"schema": {
					"type": "object", "properties": {"version": {"type": "integer"}, "labels": {"type": "object"}}}}}}}}}}}`
	text, err := CutMount([]byte(whole), "sei")
	require.NoError(t, err)
	document, err := NewContract(text)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"as described":       {"/it/a", `{"data":{"version":1,"labels":{"team":"x"}}}`, 200, ""},
		"another type":       {"/it/a", `{"data":{"version":"` + secret + `"}}`, 200, `read-it (GET), answer 200: field "version" is not of the type integer`},
		"null":               {"/it/a", `{"data":{"version":null}}`, 200, `field "version" is not of the type integer`},
		"an unknown field":   {"/it/a", `{"data":{"extra":"` + secret + `"}}`, 200, `"extra" is unsupported`},
		"no data":            {"/it/a", `{"auth":{}}`, 200, `field "" is not of the type object`},
		"an unknown status":  {"/it/a", `{"data":{}}`, 202, "has no such answer"},
		"a body for nothing": {"/it/a", `{}`, 204, "the body has 2 bytes"},
		"nothing":            {"/it/a", ``, 200, "the body has 0 bytes"},
		"an unknown path":    {"/that/a", `{}`, 200, "GET /that/a: the document has no such operation"},
		"a refusal of Vault": {"/it/a", `{"errors":["permission denied"]}`, 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := document.Check(Exchange{http.MethodGet, test.path, test.status, "application/json", []byte(test.body)})
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}
