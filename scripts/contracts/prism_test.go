package contracts_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startLimit is how long Prism may take to read a description: that of GitHub is 13 MB.
const startLimit = 3 * time.Minute

// prism is a Prism that serves a description on loopback.
type prism struct{ url string }

// serve starts Prism, which ends with the test.
func serve(t *testing.T, program, path string) prism {
	t.Helper()
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	said, err := os.Create(filepath.Join(t.TempDir(), "prism.log"))
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", program, "mock", "--errors", "--host", "127.0.0.1", "--port", port, path)
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed, or has said why it ended
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = said.Close()
	})
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, conn.Close())
			return prism{url: "http://" + address}
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(said.Name())
			require.Fail(t, "Prism ended", "%s", text[max(0, len(text)-2000):])
		default:
		}
		require.Less(t, time.Since(begun), startLimit, "Prism does not listen")
	}
}

// freeAddress is one on loopback that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// violation is one thing that Prism says is wrong.
type violation struct {
	Location []string `json:"location"`
	Severity string   `json:"severity"`
	Message  string   `json:"message"`
}

// violations are what is wrong with a request by the description. That an example of a
// vendor's answer violates its own description is nothing of the request.
func (p prism) violations(t *testing.T, r sent, path string) []string {
	t.Helper()
	address := p.url + path
	if r.query != "" {
		address += "?" + r.query
	}
	out, err := http.NewRequestWithContext(t.Context(), r.method, address, strings.NewReader(r.body))
	require.NoError(t, err)
	out.Header = r.all.Clone()
	out.Header.Del("Accept-Encoding")
	res, err := http.DefaultTransport.RoundTrip(out)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return judged(t, res, body)
}

// judged reads Prism's answer: one below 400 is of a request without fault. It has a body
// of its own for what no description knows, and a header for what violates one.
func judged(t *testing.T, res *http.Response, body []byte) []string {
	t.Helper()
	var problem struct {
		Type       string      `json:"type"`
		Title      string      `json:"title"`
		Validation []violation `json:"validation"`
	}
	_ = json.Unmarshal(body, &problem) // a mocked answer is anything
	listed := problem.Validation
	if header := res.Header.Get("Sl-Violations"); header != "" {
		require.NoError(t, json.Unmarshal([]byte(header), &listed))
	}
	var found []string
	for _, v := range listed {
		if v.Severity == "Error" && (len(v.Location) == 0 || v.Location[0] != "response") {
			found = append(found, strings.Join(v.Location, ".")+": "+v.Message)
		}
	}
	if len(found) == 0 && res.StatusCode >= http.StatusBadRequest && !strings.HasSuffix(problem.Type, "#VIOLATIONS") {
		found = append(found, fmt.Sprintf("HTTP %d %s", res.StatusCode, problem.Title))
	}
	return found
}

// planted is a description that this test has written.
const planted = `openapi: 3.0.3
info: {title: planted, version: "1"}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
paths:
  /things:
    get:
      security: [{key: []}]
      parameters:
        - {name: version, in: query, required: true, schema: {type: string, enum: ["7.1"]}}
        - {name: page, in: query, schema: {type: integer}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object}, example: {}}}}}
    post:
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [name]}}}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [name]}, example: {}}}}
        "400": {description: bad}
`

// Prism finds what is planted, and says nothing of what is right.
func TestPlantedViolationsAreFound(t *testing.T) {
	wanted(t)
	program := find(t, "prism")
	path := filepath.Join(t.TempDir(), "planted.yaml")
	require.NoError(t, os.WriteFile(path, []byte(planted), 0o600))
	p := serve(t, program, path)
	key := http.Header{"Authorization": {"Bearer x"}, "Content-Type": {"application/json"}}
	for name, c := range map[string]struct {
		r    sent
		path string
		ok   bool
	}{
		"right":                            {sent{method: "GET", query: "version=7.1&page=1", all: key}, "/things", true},
		"a parameter that is missing":      {sent{method: "GET", query: "page=1", all: key}, "/things", false},
		"a parameter of another kind":      {sent{method: "GET", query: "version=7.1&page=one", all: key}, "/things", false},
		"a value that is none of those":    {sent{method: "GET", query: "version=7", all: key}, "/things", false},
		"no credential":                    {sent{method: "GET", query: "version=7.1", all: http.Header{}}, "/things", false},
		"another path":                     {sent{method: "GET", query: "version=7.1", all: key}, "/other", false},
		"another method":                   {sent{method: "DELETE", all: key}, "/things", false},
		"a right body and a wrong example": {sent{method: "POST", body: `{"name":"x"}`, all: key}, "/things", true},
		"a body without a member":          {sent{method: "POST", body: `{}`, all: key}, "/things", false},
		"no body":                          {sent{method: "POST", all: key}, "/things", false},
	} {
		found := p.violations(t, c.r, c.path)
		assert.Equal(t, c.ok, len(found) == 0, "%s: %s", name, found)
	}
}
