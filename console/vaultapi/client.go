package vaultapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/cliconfig"
)

// patience is how long an answer may take where the environment does not say: longer than
// Vault itself lets a request last.
const patience = 100 * time.Second

// Client asks one Vault with one person's token. It is safe for concurrent use.
type Client struct {
	api *api.Client
	// patience is how long an answer may take.
	patience time.Duration
	// helped is whether the token is the token helper's, which may have another one later.
	helped bool
	mu     sync.Mutex // guards a change of the token
}

// New returns a client for the environment in which the program was started. It asks nobody.
func New() (*Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, environment(config.Error)
	}
	if os.Getenv(api.EnvVaultMaxRetries) == "" {
		config.MaxRetries = 0 // as the vault command: a credential is not sent twice
	}
	if os.Getenv(api.EnvVaultClientTimeout) == "" {
		config.Timeout = patience
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, environment(err)
	}
	c := &Client{api: client, patience: config.Timeout}
	// With a limit of its own the library ends a raw write's request when the answer begins,
	// and what was not read of it by then is lost.
	client.SetClientTimeout(0)
	if client.Token() == "" {
		c.helped = true
		token, err := fromHelper()
		if err != nil {
			return nil, err
		}
		client.SetToken(token)
	}
	if client.Token() == "" {
		return nil, errors.New("there is no Vault token: sign in with vault login, or set VAULT_TOKEN")
	}
	return c, nil
}

// environment says what is wrong with the environment, without an address that cannot be
// read, since that may hold a password: a slash in one makes a port of what is before it.
func environment(err error) error {
	if bad := (*url.Error)(nil); errors.As(err, &bad) {
		why, _, _ := strings.Cut(bad.Err.Error(), ` "`)
		err = errors.New("an address cannot be read: " + why)
	}
	return fmt.Errorf("the environment: %w", err)
}

func fromHelper() (string, error) {
	helper, err := cliconfig.DefaultTokenHelper()
	if err != nil {
		return "", fmt.Errorf("the token helper: %w", err)
	}
	token, err := helper.Get()
	if err != nil {
		return "", fmt.Errorf("the token helper: %w", err)
	}
	return strings.TrimSpace(token), nil
}

// Address is where Vault is, without a user and a password that may stand in it.
func (c *Client) Address() string {
	at, err := url.Parse(c.api.Address())
	if err != nil {
		return ""
	}
	at.User = nil
	return at.String()
}

// Namespace is the one that is asked, "" for the root.
func (c *Client) Namespace() string { return strings.Trim(c.api.Namespace(), "/") }

// Read reads a path into a value, and returns the warnings of the answer.
func (c *Client) Read(ctx context.Context, path string, into any) ([]string, error) {
	return c.read(ctx, path, nil, into)
}

// List lists a path into a value. A list of nothing, for which Vault answers 404, leaves the
// value as it is.
func (c *Client) List(ctx context.Context, path string, into any) ([]string, error) {
	warnings, err := c.read(ctx, path, map[string][]string{"list": {"true"}}, into)
	if r := (*Refusal)(nil); errors.As(err, &r) && r.Empty() {
		return warnings, nil
	}
	return warnings, err
}

// Write writes fields to a path, reads the answer into a value unless that is nil, and returns
// the warnings of the answer.
func (c *Client) Write(ctx context.Context, path string, fields map[string]any, into any) ([]string, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encoding what %s is sent: %w", path, err)
	}
	return c.ask(ctx, into, func(ctx context.Context) (*api.Response, error) {
		return c.api.Logical().WriteRawWithContext(ctx, path, body)
	})
}

func (c *Client) read(ctx context.Context, path string, query map[string][]string, into any) ([]string, error) {
	return c.ask(ctx, into, func(ctx context.Context) (*api.Response, error) {
		return c.api.Logical().ReadRawWithDataWithContext(ctx, path, query)
	})
}

// ask sends a request. If the token has ended and the token helper has another one by now,
// since somebody has signed in again, it is sent again with that.
func (c *Client) ask(ctx context.Context, into any, send func(context.Context) (*api.Response, error)) ([]string, error) {
	if c.patience > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, c.patience)
		defer cancel()
	}
	used := c.api.Token()
	warnings, err := decode(into)(send(ctx))
	if r := (*Refusal)(nil); errors.As(err, &r) && r.Ended() && c.renewed(used) {
		return decode(into)(send(ctx))
	}
	return warnings, err
}

// renewed takes over the token helper's token, if it is another than the one used.
func (c *Client) renewed(used string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api.Token() != used {
		return true // another request has done so
	}
	if !c.helped {
		return false
	}
	token, err := fromHelper()
	if err != nil || token == "" || token == used {
		return false
	}
	c.api.SetToken(token)
	return true
}

// answer is the body of an answer of Vault.
type answer struct {
	Data     json.RawMessage `json:"data"`
	Warnings []string        `json:"warnings"`
	Errors   []string        `json:"errors"`
}

func decode(into any) func(*api.Response, error) ([]string, error) {
	return func(response *api.Response, err error) ([]string, error) {
		if response == nil {
			return nil, unreachable(err)
		}
		defer func() { _ = response.Body.Close() }()
		var body bytes.Buffer
		if _, readErr := body.ReadFrom(response.Body); readErr != nil && err == nil {
			return nil, unreachable(readErr)
		}
		var a answer
		parsed := json.Unmarshal(body.Bytes(), &a)
		if err != nil {
			return a.Warnings, refusal(response.StatusCode, a)
		}
		if body.Len() == 0 { // done, and nothing to say
			return nil, nil
		}
		if parsed == nil && into != nil && len(a.Data) > 0 {
			parsed = json.Unmarshal(a.Data, into)
		}
		if parsed != nil {
			return nil, errors.New("what answered is not Vault, or speaks of something else than was asked")
		}
		return a.Warnings, nil
	}
}

// unreachable says why there was no answer, without the address, which may hold a password.
func unreachable(err error) error {
	var sending *url.Error
	if errors.As(err, &sending) {
		err = sending.Err
	}
	if err == nil {
		err = errors.New("no answer")
	}
	return &Unreachable{err}
}

// Unreachable is the error of a request that Vault did not answer.
type Unreachable struct{ err error }

// Error says why.
func (u *Unreachable) Error() string { return "Vault does not answer: " + u.err.Error() }

// Unwrap is the error of the connection.
func (u *Unreachable) Unwrap() error { return u.err }
