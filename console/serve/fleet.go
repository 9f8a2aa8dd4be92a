package serve

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/fleet"
	"vault-plugin-secrets-sei/console/page"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// needsShown is how many integrations that need a person the page of a mount begins with.
const needsShown = 20

// unnamed stands for an integration that does not exist yet: whoever may make this one may
// make new ones, as far as can be asked without a name.
const unnamed = "integrations/new"

// anyProvider stands for whichever provider it will be of: without reading that one there are
// no fields to make a form of.
const anyProvider = "providers/any"

// seen is what the engine says of the whole mount, as far as the token may read it.
type seen struct {
	rights  engine.Rights
	rows    fleet.Fleet
	status  *engine.Status
	names   []string
	targets map[string]engine.Target
	notes   []page.Note
	mounts  []string
}

// fleet is the page of a mount.
func (s *Server) fleet(w http.ResponseWriter, r *http.Request, p place) {
	all, err := s.look(r.Context(), p)
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	q := r.URL.Query()
	filter := fleet.Filter{Text: q.Get("q"), Provider: q.Get("provider"), Status: q.Get("status"), Label: q.Get("label")}
	number, _ := strconv.Atoi(q.Get("page"))
	view := all.view()
	view.Filter, view.Page = filter, fleet.PageOf(filter.Of(all.rows.Rows), number)
	ends := all.rows.Ends()
	if !view.Listed && all.status != nil {
		ends = all.status.Expires
	}
	view.Weeks = fleet.WeeksOf(ends, s.now())
	if all.status != nil {
		view.Weeks.Next = fleet.WeeksOf(all.status.Expires, s.now()).Next // with the accounts, and each token of a pool
	}
	view.Picture = page.PictureOf(view.Weeks)
	p.mayCreate = all.rights.Create(unnamed) && all.rights.Read(unnamed) && all.rights.List("providers/") && all.rights.Read(anyProvider)
	s.show(w, r, p, http.StatusOK, "fleet", page.Frame{Title: "Integrations", Main: view, Notes: all.notes, Mounts: all.mounts})
}

// look reads what the page needs, at the same time.
func (s *Server) look(ctx context.Context, p place) (seen, error) {
	var all seen
	var err error
	if all.rights, err = p.Rights(ctx, "health/", "status", "integrations/", "notify/", "providers/", anyProvider, unnamed); err != nil {
		return seen{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { // one list for the page, if it may be read
		switch {
		case all.rights.List("health/"):
			summaries, warnings, err := p.Summaries(ctx)
			all.rows, all.notes = fleet.Of(summaries), warned(warnings)
			return err
		case all.rights.List("integrations/"):
			all.names, err = p.Integrations(ctx)
			return err
		default:
			all.names = p.Names(ctx)
			return nil
		}
	})
	if all.rights.Read("status") {
		group.Go(func() error {
			status, _, err := p.Status(ctx)
			if r := (*vaultapi.Refusal)(nil); errors.As(err, &r) && r.Absent() {
				return nil // an engine without the fleet at a glance
			}
			all.status = &status
			return err
		})
	}
	if all.rights.List("notify/") {
		group.Go(func() error {
			targets, err := p.Targets(ctx)
			if r := (*vaultapi.Refusal)(nil); errors.As(err, &r) && r.Absent() {
				return nil // an engine without notifications
			}
			all.targets = targets
			return err
		})
	}
	group.Go(func() error {
		mounts, err := s.mounts(ctx)
		all.mounts = mounts
		return err
	})
	return all, group.Wait()
}

// view is what the page shows.
func (a seen) view() page.Fleet {
	v := page.Fleet{
		Listed: a.rights.List("health/"), Names: a.names, Total: len(a.rows.Rows), ByStatus: a.rows.ByStatus(), Choices: a.rows.Providers(),
		Needs: a.rows.Needs(), MayTargets: a.rights.List("notify/"),
	}
	byProvider := a.rows.ByProvider()
	if a.status != nil {
		v.Needs, byProvider = a.status.Needs, a.status.ByProvider
	}
	if len(v.Needs) > needsShown {
		v.Needs, v.MoreNeeds = v.Needs[:needsShown], len(v.Needs)-needsShown
	}
	for _, name := range slices.Sorted(maps.Keys(byProvider)) {
		counts := page.ProviderCounts{Name: name, Counts: fleet.Counts(byProvider[name])}
		for _, count := range counts.Counts {
			counts.Total += count.N
		}
		v.Providers = append(v.Providers, counts)
	}
	for name, target := range a.targets {
		v.Targets = append(v.Targets, page.Target{Name: name, Target: target})
	}
	slices.SortFunc(v.Targets, func(a, b page.Target) int { return cmp.Compare(a.Name, b.Name) })
	return v
}
