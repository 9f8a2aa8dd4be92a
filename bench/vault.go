package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxClients is how many connections are kept: no more clients run at a time.
const maxClients = 128

// Vault sends requests and reads answers without looking into them: the machine is the
// server's, too. It is safe for concurrent use.
type Vault struct {
	address, token string
	client         *http.Client
}

// NewVault returns a client of the server at an address, such as http://127.0.0.1:8200.
func NewVault(address, token string) *Vault {
	return &Vault{address: address, token: token, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: maxClients},
	}}
}

// Read reads a path.
func (v *Vault) Read(ctx context.Context, path string) error {
	_, err := v.ReadSize(ctx, path)
	return err
}

// ReadSize reads a path and returns how many bytes the answer has.
func (v *Vault) ReadSize(ctx context.Context, path string) (int64, error) {
	return v.send(ctx, http.MethodGet, path, nil)
}

// List lists a path.
func (v *Vault) List(ctx context.Context, path string) error {
	_, err := v.ListSize(ctx, path)
	return err
}

// ListSize lists a path and returns how many bytes the answer has.
func (v *Vault) ListSize(ctx context.Context, path string) (int64, error) {
	return v.send(ctx, "LIST", path, nil)
}

// Write writes JSON to a path.
func (v *Vault) Write(ctx context.Context, path string, body []byte) error {
	_, err := v.send(ctx, http.MethodPut, path, body)
	return err
}

// WriteFields writes fields to a path.
func (v *Vault) WriteFields(ctx context.Context, path string, fields map[string]any) error {
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return v.Write(ctx, path, body)
}

func (v *Vault) send(ctx context.Context, method, path string, body []byte) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, method, v.address+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Vault-Token", v.token)
	response, err := v.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return 0, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return io.Copy(io.Discard, response.Body)
}
