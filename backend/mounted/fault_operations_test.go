package mounted_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/waiting"
	"vault-plugin-secrets-sei/providers"
)

// act is what an operation does.
type act = func(context.Context, *world) error

// operations are all that touch storage, by the exported method and, after a colon, what
// is special. TestEveryOperationHasItsFaults demands that no method is missing.
func operations() map[string]operation {
	all := map[string]operation{}
	for _, some := range []map[string]operation{
		configurationOperations(), groupOperations(), mountOperations(), credentialOperations(),
		oauthOperations(), rotationOperations(), watchOperations(), sweepOperations(), notifyOperations(), invitationOperations(),
	} {
		maps.Copy(all, some)
	}
	return all
}

func of[T any](_ T, err error) error { return err }

// unless takes a refusal with that code for the answer that it is.
func unless(code string, do act) act {
	return func(ctx context.Context, w *world) error {
		if err := do(ctx, w); !backend.HasCode(err, code) {
			return err
		}
		return nil
	}
}

func change(s providers.Settings) act {
	return func(ctx context.Context, w *world) error {
		return w.Integrations.Write(ctx, "a", backend.Draft{Create: true, Provider: "fake", AuthType: "key", Settings: s})
	}
}

func deletion(name string) act {
	return func(ctx context.Context, w *world) error { return w.Integrations.Delete(ctx, name) }
}

func configurationOperations() map[string]operation {
	return map[string]operation{
		"Integrations.Read":             {keyWorld, func(ctx context.Context, w *world) error { return of(w.Integrations.Read(ctx, "a")) }, false},
		"Integrations.Exists":           {keyWorld, func(ctx context.Context, w *world) error { return of(w.Integrations.Exists(ctx, "a")) }, false},
		"Integrations.List":             {keyWorld, func(ctx context.Context, w *world) error { return of(w.Integrations.List(ctx)) }, false},
		"Integrations.Write: create":    {emptyWorld, change(texts("team", "one")), false},
		"Integrations.Write: change":    {keyWorld, change(texts("description", "changed")), false},
		"Integrations.Write: refused":   {keyWorld, unless(backend.CodeCredentialPresent, change(texts("team", "other"))), false},
		"Integrations.Delete":           {rejectedWorld, deletion("a"), false},
		"Integrations.Delete: rotating": {pendingWorld, deletion("a"), false},
		"Integrations.Delete: cut off":  {cutOffWorld, deletion("a"), false},
	}
}

func groupOperations() map[string]operation {
	move := func(organization string) act {
		return func(ctx context.Context, w *world) error {
			return w.Integrations.Write(ctx, "z", backend.Draft{Provider: "sharing", AuthType: "key", Settings: texts("organization", organization)})
		}
	}
	return map[string]operation{
		"Integrations.SharedWith": {groupWorld, func(ctx context.Context, w *world) error {
			in, err := w.Integrations.Read(ctx, "a")
			if err != nil {
				return err
			}
			return of(w.Integrations.SharedWith(ctx, in))
		}, false},
		"Integrations.Write: sibling":           {groupWorld, func(ctx context.Context, w *world) error { return service(ctx, w, "d", "acme") }, false},
		"Integrations.Write: first of a group":  {groupWorld, func(ctx context.Context, w *world) error { return service(ctx, w, "d", "new") }, false},
		"Integrations.Write: move into a group": {groupWorld, move("acme"), false},
		"Integrations.Write: move alone":        {groupWorld, move("new"), false},
		"Integrations.Delete: sibling":          {groupWorld, deletion("a"), false},
		"Integrations.Delete: last of a group":  {groupWorld, deletion("solo"), false},
		"Swaps.Reauth: group":                   {groupWorld, reauthentication(entry("mia@example.com", "new")), false},
		"Swaps.Forget: group":                   {groupWorld, forgetting, false},
	}
}

func mountOperations() map[string]operation {
	return map[string]operation{
		"Settings.Read": {keyWorld, func(ctx context.Context, w *world) error { return of(w.Mount.Read(ctx)) }, false},
		"Settings.Write": {keyWorld, func(ctx context.Context, w *world) error {
			return w.Mount.Write(ctx, providers.Settings{Numbers: map[string]int64{"creds_ttl": 60}})
		}, false},
	}
}

func notifyOperations() map[string]operation {
	write := func(name string, s providers.Settings) act {
		return func(ctx context.Context, w *world) error { return w.Notifier.Write(ctx, name, "sei/", s) }
	}
	return map[string]operation{
		"Notifier.List":           {targetWorld, func(ctx context.Context, w *world) error { return of(w.Notifier.List(ctx)) }, false},
		"Notifier.Read":           {targetWorld, func(ctx context.Context, w *world) error { return of(w.Notifier.Read(ctx, "ops")) }, false},
		"Notifier.Write: create":  {targetWorld, write("new", hook("https://chat.example.com/new")), false},
		"Notifier.Write: change":  {targetWorld, write("ops", providers.Settings{Numbers: map[string]int64{"settle": 5}}), false},
		"Notifier.Write: refused": {targetWorld, unless(backend.CodeMissingField, write("new", providers.Settings{Numbers: map[string]int64{"settle": 5}})), false},
		"Notifier.Delete":         {targetWorld, func(ctx context.Context, w *world) error { return w.Notifier.Delete(ctx, "ops") }, false},
		"Notifier.Test":           {targetWorld, func(ctx context.Context, w *world) error { return of(w.Notifier.Test(ctx, "ops", "sei/")) }, false},
	}
}

func reauthentication(e backend.Entry) act {
	return func(ctx context.Context, w *world) error {
		return of(w.Swaps.Reauth(ctx, "a", e, backend.Actor{}))
	}
}

func forgetting(ctx context.Context, w *world) error {
	return of(w.Swaps.Forget(ctx, "a", backend.Actor{}))
}

// handOut waits for longer than the pause after a refresh that failed.
func handOut(name string) act {
	return func(ctx context.Context, w *world) error {
		w.clock.advance(10 * time.Second)
		return of(w.Handouts.HandOut(ctx, name, backend.DefaultResource, backend.Actor{}, nil))
	}
}

// awaited reads a credential that the worker has, and waits for another.
func awaited(name string) act {
	return func(ctx context.Context, w *world) error {
		out, err := w.Handouts.HandOut(ctx, name, backend.DefaultResource, backend.Actor{}, nil)
		if err != nil {
			return err
		}
		until := backend.Until{Wait: time.Second, Version: out.Record.Version}
		_, _, err = w.Waiting.HandOut(ctx, waiting.Read{Name: name, Resource: backend.DefaultResource, Until: until})
		return err
	}
}

func credentialOperations() map[string]operation {
	validation := func(ctx context.Context, w *world) error {
		return of(w.Credentials.Validate(ctx, "a", entry("mia@example.com", "new")))
	}
	rejection := unless(string(providers.Rejected), reauthentication(entry("mia@example.com", "new")))
	return map[string]operation{
		"Door.Read": {keyWorld, func(ctx context.Context, w *world) error {
			_, _, err := w.Credentials.Read(ctx, "a")
			return err
		}, false},
		"Swaps.Reauth":           {keyWorld, reauthentication(entry("mia@example.com", "new")), false},
		"Swaps.Reauth: first":    {bareWorld, reauthentication(entry("mia@example.com", "new")), false},
		"Swaps.Reauth: pool":     {poolsWorld, reauthentication(pool("token-1", "token-2")), false},
		"Swaps.Reauth: rejected": {rejectedWorld, rejection, false},
		"Swaps.Reauth: the same": {rejectedWorld, func(ctx context.Context, w *world) error {
			w.upstream.answers(nil)
			return reauthentication(entry("mia@example.com", "old"))(ctx, w)
		}, false},
		"Door.Validate":          {keyWorld, validation, false},
		"Door.Validate: group":   {groupWorld, validation, false},
		"Swaps.Forget":           {keyWorld, forgetting, false},
		"Swaps.Forget: rotating": {pendingWorld, forgetting, false},
		"Handouts.HandOut":       {keyWorld, handOut("a"), false},
		"Handouts.HandOut: pool": {poolsWorld, handOut("a"), false},
		"Waiting.HandOut":        {keyWorld, awaited("a"), false},
		"Handouts.Report": {keyWorld, func(ctx context.Context, w *world) error {
			_, record, err := w.Credentials.Read(ctx, "a")
			if err != nil {
				return err
			}
			return w.Handouts.Report(ctx, "a", backend.Report{Fingerprint: record.Current.Fingerprint, Remaining: left(9), Resource: backend.DefaultResource})
		}, false},
		"Swaps.Rollback": {replacedWorld, func(ctx context.Context, w *world) error {
			return of(w.Swaps.Rollback(ctx, "a", backend.Actor{}))
		}, false},
		"Swaps.Erase": {replacedWorld, func(ctx context.Context, w *world) error {
			w.clock.advance(25 * time.Hour)
			return w.Swaps.Erase(ctx, "a")
		}, false},
	}
}

func oauthOperations() map[string]operation {
	return map[string]operation{
		"Consents.AuthorizeInvited": {consentGuestWorld, func(ctx context.Context, w *world) error {
			found, err := w.Invitations.Find(ctx, w.invited)
			if err != nil {
				return err
			}
			return of(w.Consents.AuthorizeInvited(ctx, found, backend.Actor{}))
		}, false},
		"Consents.Authorize": {consentWorld, func(ctx context.Context, w *world) error { return w.authorizes(ctx) }, false},
		"Consents.Ask": {consentWorld, func(ctx context.Context, w *world) error {
			return of(w.Consents.Ask(ctx, backWith(w.flow, "code")))
		}, false},
		"Invitations.FindKey": {consentGuestWorld, func(ctx context.Context, w *world) error {
			return of(w.Invitations.FindKey(ctx, backend.InvitationKey(w.invited)))
		}, false},
		"Consents.Ask: guest": {guestFlowWorld, func(ctx context.Context, w *world) error {
			return of(w.Consents.Ask(ctx, backWith(w.flow, "code")))
		}, false},
		"Swaps.Return: guest": {guestFlowWorld, again(func(ctx context.Context, w *world) error {
			return of(w.confirms(ctx, w.flow, "code", backend.Actor{}))
		}), false},
		"Swaps.Return": {consentWorld, again(func(ctx context.Context, w *world) error {
			return of(w.confirms(ctx, w.flow, "code", backend.Actor{}))
		}), false},
		"Swaps.Reauth: code": {consentWorld, again(func(ctx context.Context, w *world) error {
			return of(w.Swaps.Reauth(ctx, "app", returned(w.flow, "code"), backend.Actor{}))
		}), false},
		"Swaps.Return: denied": {consentWorld, unless(backend.CodeOAuthDenied, again(func(ctx context.Context, w *world) error {
			return of(w.Swaps.Return(ctx, backend.Returned{State: providers.NewSecret(w.flow), Denied: "access_denied"}, backend.Actor{}))
		})), false},
		"Handouts.HandOut: token":   {appWorld, handOut("app"), false},
		"Handouts.HandOut: refresh": {dueWorld, handOut("app"), false},
		"Handouts.HandOut: refused": {refusedWorld, unless(string(providers.Rejected), handOut("app")), false},
		"Handouts.HandOut: limited": {limitedWorld, unless(string(providers.RateLimited), handOut("app")), false},
		"Swaps.RotateIf: tokens": {appWorld, func(ctx context.Context, w *world) error {
			return of(w.Swaps.RotateIf(ctx, "app", backend.Actor{}, nil))
		}, false},
		"Consents.SweepFlows": {staleWorld, func(ctx context.Context, w *world) error { return w.Consents.SweepFlows(ctx) }, false},
	}
}

func invitationOperations() map[string]operation {
	invite := func(sender string) act {
		return func(ctx context.Context, w *world) error {
			opened, err := w.Invitations.Open(ctx, invite.Wish{Integration: "a", Life: invite.DefaultLife, Sender: sender})
			if err != nil {
				return err
			}
			w.invited = opened.Token
			store, _ := w.storage.(*storage)
			if _, err := w.seenFrom(&store.InmemStorage).Invitations.Find(ctx, opened.Token); err != nil {
				return errors.New("a token was given out that is not stored")
			}
			return nil
		}
	}
	// Where the one that there is was used up before, it is done with another one.
	use := func(ctx context.Context, w *world) error {
		_, err := w.uses(ctx, w.invited, entry("mia@example.com", "new"))
		if !backend.HasCode(err, backend.CodeInvitationEnded) {
			return err
		}
		if err := invite("")(ctx, w); err != nil {
			return err
		}
		return of(w.uses(ctx, w.invited, entry("mia@example.com", "new")))
	}
	return map[string]operation{
		"Invitations.Open":                      {keyWorld, invite(""), false},
		"Invitations.Open: target":              {guestWorld, invite("target"), false},
		"Invitations.Open: stale":               {staleGuestWorld, invite(""), false},
		"Invitations.Find":                      {guestWorld, func(ctx context.Context, w *world) error { return of(w.Invitations.Find(ctx, w.invited)) }, false},
		"Invitations.List":                      {guestWorld, func(ctx context.Context, w *world) error { return of(w.Invitations.List(ctx, "a")) }, false},
		"Invitations.End":                       {guestWorld, func(ctx context.Context, w *world) error { return w.Invitations.End(ctx, "a", w.known) }, false},
		"Invitations.EndSent":                   {guestWorld, func(ctx context.Context, w *world) error { return w.Invitations.EndSent(ctx, "target", "") }, false},
		"Invitations.Newest":                    {guestWorld, func(ctx context.Context, w *world) error { return of(w.Invitations.Newest(ctx)) }, false},
		"Invitations.Sweep":                     {staleGuestWorld, func(ctx context.Context, w *world) error { return w.Invitations.Sweep(ctx) }, false},
		"Integrations.Delete: with invitations": {guestWorld, deletion("a"), false},
		"Swaps.Invited":                         {guestWorld, use, false},
		"Swaps.Invited: second":                 {usedGuestWorld, use, false},
		"Swaps.Invited: refused": {rejectedGuestWorld, unless(backend.CodeInvitationEnded, unless(string(providers.Rejected), func(ctx context.Context, w *world) error {
			return of(w.uses(ctx, w.invited, entry("mia@example.com", "new")))
		})), false},
	}
}

// authorizes begins an authorization of "app", and looks whether it is stored.
func (w *world) authorizes(ctx context.Context) error {
	begun, err := w.Consents.Authorize(ctx, "app", backend.Actor{})
	if err != nil {
		return err
	}
	w.flow, _ = queryOf(begun.URL)
	key := fmt.Sprintf("oauth/%x", sha256.Sum256([]byte(w.flow)))
	store, _ := w.storage.(*storage)
	if flow, err := store.InmemStorage.Get(ctx, key); err != nil || flow == nil {
		return errors.New("a state was given out that is not stored")
	}
	return nil
}

// again does it with the open flow, or with another one if that was used up before.
func again(do act) act {
	return func(ctx context.Context, w *world) error {
		err := do(ctx, w)
		if !backend.HasCode(err, backend.CodeOAuthStateInvalid) {
			return err
		}
		if err := w.authorizes(ctx); err != nil {
			return err
		}
		return do(ctx, w)
	}
}

func rotationOperations() map[string]operation {
	rotate := func(ctx context.Context, w *world) error { return of(w.Swaps.Rotate(ctx, "a", backend.Actor{})) }
	return map[string]operation{
		"Swaps.Rotate: overlap":    {rotatableWorld(true), rotate, false},
		"Swaps.Rotate: no overlap": {rotatableWorld(false), rotate, false},
		"Swaps.Rotate: lost":       {lostWorld(true), unless(string(providers.Unreachable), rotate), false},
		"Swaps.Rotate: lost dead":  {lostWorld(false), unless(string(providers.Rejected), rotate), false},
		"Swaps.Rotate: again":      {pendingWorld, rotate, false},
		"Swaps.Rollback: told": {pendingWorld, func(ctx context.Context, w *world) error {
			return of(w.Swaps.Rollback(ctx, "a", backend.Actor{}))
		}, false},
		"Rotations.Resume": {cutOffWorld, func(ctx context.Context, w *world) error { return of(w.Rotations.Resume(ctx, "a")) }, false},
		"Rotations.Resume: finish": {pendingWorld, func(ctx context.Context, w *world) error {
			w.clock.advance(25 * time.Hour)
			return of(w.Rotations.Resume(ctx, "a"))
		}, false},
	}
}

func watchOperations() map[string]operation {
	check := func(name string) act {
		return func(ctx context.Context, w *world) error {
			w.clock.advance(10 * time.Second)
			return of(w.Watch.Check(ctx, name))
		}
	}
	return map[string]operation{
		"Watch.Health":  {keyWorld, func(ctx context.Context, w *world) error { return of(w.Watch.Health(ctx, "a")) }, false},
		"Watch.Observe": {keyWorld, func(ctx context.Context, w *world) error { return of(w.Watch.Observe(ctx, "a")) }, false},
		"Watch.All":     {groupWorld, func(ctx context.Context, w *world) error { return of(w.Watch.All(ctx)) }, false},
		"Watch.Fleet":   {groupWorld, func(ctx context.Context, w *world) error { return of(w.Watch.Fleet(ctx)) }, false},
		"Watch.Each": {keyWorld, func(ctx context.Context, w *world) error {
			return w.Watch.Each(ctx, func(*health.Assessment) error { return nil })
		}, false},
		"Watch.Check":           {keyWorld, check("a"), false},
		"Watch.Check: told":     {toldWorld, check("a"), true},
		"Watch.Check: rejected": {revokedWorld, check("a"), true},
		"Watch.Check: pool":     {wornPoolWorld, check("a"), true},
		"Watch.Check: token":    {dueWorld, check("app"), false},
		"Watch.Swapped": {keyWorld, func(ctx context.Context, w *world) error {
			change, err := w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "new"), backend.Actor{})
			if err == nil {
				w.Watch.Swapped(ctx, change)
			}
			return err
		}, false},
	}
}

// steps sweeps after each of the pauses, with a sweep that has seen nothing.
func steps(pauses ...time.Duration) act {
	return func(ctx context.Context, w *world) error {
		sweep := w.Sweeper.Sweep()
		var first error
		for _, pause := range pauses {
			w.clock.advance(pause)
			first = errors.Join(first, sweep.Step(ctx))
			sweep.Wait()
		}
		return first
	}
}

func sweepOperations() map[string]operation {
	return map[string]operation{
		"Sweep.Step: check":               {revokedWorld, steps(0, 2*time.Hour, 10*time.Minute), true},
		"Sweep.Step: announce":            {endingWorld, steps(time.Hour), true},
		"Sweep.Step: erase":               {replacedWorld, steps(25 * time.Hour), true},
		"Sweep.Step: resume":              {cutOffWorld, steps(0), true},
		"Sweep.Step: finish":              {pendingWorld, steps(25 * time.Hour), true},
		"Sweep.Step: rotate":              {dueKeyWorld(true), steps(13 * time.Hour), true},
		"Sweep.Step: rotate the only key": {dueKeyWorld(false), steps(13 * time.Hour), true},
	}
}
