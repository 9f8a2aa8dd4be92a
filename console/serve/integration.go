package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/page"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// known is what the engine says of one integration, as far as the token may read it.
type known struct {
	rights      engine.Rights
	settings    engine.Settings
	health      *engine.Health
	form        *engine.Form
	history     []engine.Swap
	invitations []engine.Invitation
	// invites is whether the engine has invitations.
	invites bool
	notes   []page.Note
}

// integration is the page of one integration.
func (s *Server) integration(w http.ResponseWriter, r *http.Request, p place) {
	s.integrationWith(w, r, p, http.StatusOK, nil, nil, nil)
}

// integrationWith is the page after something was refused, or with an invitation. entered is
// what a form said, of which secrets are not repeated.
func (s *Server) integrationWith(w http.ResponseWriter, r *http.Request, p place, status int, refusal *page.Refusal, entered map[string]string, invited *page.Invited) {
	k, err := s.know(r.Context(), p)
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	if k.nothing() {
		s.failed(w, r, p, &vaultapi.Refusal{Status: http.StatusForbidden})
		return
	}
	view := k.view(p.name)
	view.Rows, _ = strconv.Atoi(r.URL.Query().Get("rows"))
	view.Rows = min(max(view.Rows, rowsFirst, view.rowsInUse()), rowsMost)
	view.Refusal, view.Invited = refusal, invited
	for _, open := range k.invitations {
		if invited != nil && open.Accessor == invited.Accessor {
			invited.Identity = open.Identity // the answer that has the link does not say for whom it is
		}
	}
	if k.form != nil {
		view.Entry = inputs(k.form.Fields, entered, refusal, view.Rows)
	}
	s.show(w, r, p, status, "integration", page.Frame{Title: p.name, Main: view.Integration, Notes: k.notes})
}

// The number of inputs for the tokens of a pool.
const (
	rowsFirst = 4
	rowsMost  = 100
)

// view is the page, and what it was made of.
type view struct{ page.Integration }

func (v view) rowsInUse() int {
	if v.Health == nil {
		return 0
	}
	return len(v.Health.Members)
}

// know reads what the page needs, at the same time.
func (s *Server) know(ctx context.Context, p place) (*known, error) {
	var k known
	var err error
	n := p.name
	k.rights, err = p.Rights(ctx, "integrations/"+n, "reauth/"+n, "health/"+n, "history/"+n, "rotate/"+n, "rollback/"+n, "oauth/authorize/"+n, "invites/"+n, anyProvider)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	read := func(path string, how func(context.Context) error) {
		if k.rights.Read(path) {
			group.Go(func() error { return how(ctx) })
		}
	}
	read("integrations/"+n, func(ctx context.Context) error {
		settings, err := p.Settings(ctx, n)
		k.settings = settings
		return err
	})
	read("history/"+n, func(ctx context.Context) error {
		history, err := p.History(ctx, n)
		k.history = history
		return err
	})
	read("health/"+n, func(ctx context.Context) error {
		health, warnings, err := p.Health(ctx, n)
		k.health, k.notes = &health, warned(warnings)
		return err
	})
	read("reauth/"+n, func(ctx context.Context) error {
		form, err := p.Form(ctx, n)
		k.form = &form
		return err
	})
	k.invites = true
	read("invites/"+n, func(ctx context.Context) error {
		list, err := p.Invitations(ctx, n)
		if r := (*vaultapi.Refusal)(nil); errors.As(err, &r) && r.Absent() {
			k.invites = false
			return nil
		}
		k.invitations = list
		return err
	})
	return &k, group.Wait()
}

// nothing reports whether the token may neither see nor do anything.
func (k *known) nothing() bool {
	return k.settings == nil && k.health == nil && k.form == nil && k.history == nil && k.invitations == nil && k.view("x").mayNothing()
}

func (v view) mayNothing() bool {
	return !v.MayReauth && !v.MayConsent && !v.MayCheck && !v.MayRotate && !v.MayRollback && !v.MayInvite && !v.MayEdit
}

// view is what the page shows and offers.
func (k *known) view(n string) view {
	v := page.Integration{
		Name: n, Health: k.health, State: k.settings, Form: k.form, History: k.history, MayHistory: k.history != nil || k.rights.Read("history/"+n),
		Invitations: k.invitations,
	}
	v.Settings, v.Unset = settingLines(k.settings)
	k.offer(&v, n)
	return view{v}
}

// offer says what may be done. An auth type without a credential has nothing to check, to
// rotate or to invite for.
func (k *known) offer(v *page.Integration, n string) {
	v.MayEdit = k.settings != nil && k.rights.Write("integrations/"+n) && k.rights.Read(anyProvider)
	if k.settings != nil && !k.settings.Flag("reauth_supported") || k.form != nil && !k.form.Supported {
		return
	}
	consents := k.form != nil && k.form.Consents()
	v.MayReauth = k.form != nil && !consents && k.rights.Write("reauth/"+n)
	v.MayConsent = (consents || k.form == nil && k.mayConsent()) && k.rights.Write("oauth/authorize/"+n)
	v.MayInvite = k.invites && k.rights.Write("invites/"+n)
	versions := 2 // where nobody says how many there were, all is offered
	if k.health != nil {
		versions = k.health.Version
	}
	v.MayCheck = versions > 0 && k.rights.Write("health/"+n)
	v.MayRotate = versions > 0 && k.settings["rotate_supported"] != false && k.rights.Write("rotate/"+n)
	v.MayRollback = versions > 1 && k.rights.Write("rollback/"+n)
}

// mayConsent reports whether the integration is one for a consent, where its form cannot be
// read.
func (k *known) mayConsent() bool {
	return k.settings == nil || k.settings.Text("auth_type") == "oauth"
}
