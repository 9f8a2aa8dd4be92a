// Package sei is a Vault secrets engine that keeps the credentials of
// integrations with engineering tools, hands them to workers, and replaces them
// when they expire.
//
// An integration is configured at integrations/, and the configuration never
// holds a credential. Whoever may write reauth/ can send a new credential and
// nothing else: it is checked at the real upstream, and only a credential that
// works is swapped in, in one atomic write. Workers read creds/.
//
// The package is the framework side: paths and answers. Package input reads the body of a
// request, and package page makes the pages for a browser. Records, locks and the swap are
// in backend, upstreams in providers. Imports go down only. Begin with the list of paths in
// newEngine, and with path_reauth.go; docs/architecture.md follows a request from there.
//
// Promises that hold whatever happens: a crash, a full disk or a lost leader
// leaves the old credential or the new one, never a mixture; re-authentication
// cannot change configuration; a secret leaves through creds/ only.
package sei

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/mounted"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/metrics"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// version is set by the linker. It is what Vault shows as the running version.
var version = "v0.0.0-dev"

// openAPIPrefix is what Vault sends where it asks for the help of all paths.
const openAPIPrefix = "requestResponsePrefix"

var _ logical.Factory = Factory

// Factory makes the engine of one mount. Each mount has its own; they share no
// state, although Vault runs all of them in one process.
func Factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	if conf == nil {
		return nil, errors.New("the engine needs a configuration from Vault")
	}
	e := newEngine(conf.StorageView, catalog.All(strings.TrimPrefix(version, "v")), time.Now)
	e.mountUUID = conf.BackendUUID
	if err := e.Setup(ctx, conf); err != nil {
		return nil, err
	}
	return e, nil
}

// engine is the backend that Vault talks to.
type engine struct {
	*framework.Backend
	registry *providers.Registry
	store    *mounted.Backend
	metrics  *metrics.Mount
	words    input.Vocabulary
	now      func() time.Time
	sweep    sweeping
	telling  sweeping
	listed   listed
	lead     lead
	// mountUUID tells the mounts of one process apart in the server's log.
	mountUUID string
}

func newEngine(storage logical.Storage, registry *providers.Registry, now func() time.Time) *engine {
	e := &engine{registry: registry, now: now, metrics: metrics.New(version), lead: newLead(storage)}
	e.words = input.NewVocabulary(registry, e.stateFields())
	e.store = mounted.New(storage, registry, now, e.emit)
	e.store.FaultsTo(e.logFault)
	e.store.SwapsTo(e.logSwap)
	e.store.Watch.ChecksTo(e.metrics.Check)
	e.store.Notifier.CountTo(e.metrics.Notification, e.metrics.ForgetTarget)
	registry.TimeRequests(e.metrics.Request)
	e.Backend = &framework.Backend{
		Help:           engineHelp,
		BackendType:    logical.TypeLogical,
		RunningVersion: version,
		PathsSpecial:   &logical.Paths{SealWrapStorage: mounted.SealWrapped(), Unauthenticated: []string{callbackPath, invite.Path + "*"}},
		Invalidate:     func(_ context.Context, key string) { e.store.Invalidate(key) },
		PeriodicFunc:   e.periodic,
		InitializeFunc: e.initialize,
		Clean:          e.clean,
		Paths: framework.PathAppend(
			e.pathIntegrations(),
			e.pathReauth(),
			e.pathReport(), // before creds/, whose pattern ends earlier
			e.pathCreds(),
			e.pathHealth(),
			e.pathStatus(),
			e.pathMetrics(),
			e.pathRotate(),
			e.pathHistory(),
			e.pathOAuth(),
			e.pathInvites(),
			e.pathInvite(),
			e.pathProviders(),
			e.pathNotify(),
			e.pathConfig(),
		),
	}
	return e
}

// periodic is called by Vault about every minute, on each node.
func (e *engine) periodic(ctx context.Context, _ *logical.Request) error {
	if !e.WriteSafeReplicationState() {
		return nil
	}
	return errors.Join(e.store.Consents.SweepFlows(ctx), e.store.Invitations.Sweep(ctx))
}

// clean stops the work that goes on beside requests.
func (e *engine) clean(context.Context) {
	e.store.Waiting.Close()
	e.sweep.stop()
	e.telling.stop()
	e.store.Close()
	e.registry.Close()
}

// HandleRequest takes the data out of the request before the framework sees it: the
// framework quotes a value of the wrong type in its error, and the value may be a secret,
// in a body or in the query of a read. Handlers find the data in the context, and parse it
// strictly.
func (e *engine) HandleRequest(ctx context.Context, req *logical.Request) (resp *logical.Response, err error) {
	defer e.recoverPanic(req, &err)
	sent := req.Data
	defer func() { req.Data = sent }()
	switch req.Operation {
	case logical.CreateOperation, logical.UpdateOperation, logical.ReadOperation, logical.ListOperation, logical.DeleteOperation:
		req.Data = nil
		ctx = withBody(ctx, sent)
		if err := e.mayAnswer(ctx); err != nil {
			return nil, err
		}
	case logical.HelpOperation: // anybody may ask, and the framework warns of names that it does not know
		req.Data = nil
		if prefix, fromVault := sent[openAPIPrefix]; fromVault {
			req.Data = map[string]any{openAPIPrefix: prefix}
		}
	default: // Vault's own, which need their data
	}
	resp, err = e.Backend.HandleRequest(ctx, req)
	e.warnOfQuery(req, sent, resp)
	if req.Operation == logical.HelpOperation {
		completeOpenAPI(resp)
	}
	return resp, err
}

// recoverPanic turns a panic into an error: one process serves all mounts of the
// plugin, and a mistake in one request must not end the others. The value of the
// panic is not logged, because it may quote a secret; the stack shows addresses only.
func (e *engine) recoverPanic(req *logical.Request, err *error) {
	if cause := recover(); cause != nil {
		e.Logger().Error("a request panicked", "operation", req.Operation, "path", loggable(req.Path), "type", fmt.Sprintf("%T", cause), "stack", string(debug.Stack()))
		*err = errors.New("internal error; the server log of the plugin has the stack")
	}
}

// loggable is a path without the token of an invitation.
func loggable(path string) string {
	if strings.HasPrefix(path, invite.Path) {
		return invite.Path
	}
	return path
}

// HandleExistenceCheck hides the body for the same reason.
func (e *engine) HandleExistenceCheck(ctx context.Context, req *logical.Request) (checkFound, exists bool, err error) {
	defer e.recoverPanic(req, &err)
	sent := req.Data
	req.Data = nil
	defer func() { req.Data = sent }()
	return e.Backend.HandleExistenceCheck(ctx, req)
}

const engineHelp = `
Keeps the credentials of integrations with engineering tools, checks them at the
real upstream, and replaces them atomically when they expire.

Configure an integration at integrations/<name>, send its credential to
reauth/<name>, read it from creds/<name>. Read providers/ for what is supported.
"vault path-help sei/reauth/NAME", and so on, explains each path with a command.
`
