package torture_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
)

// soakEvent is something that happens to an integration, so often in a hundred.
type soakEvent struct {
	kind   string
	weight int
	run    func(s *soak, ctx context.Context, in *soaked) error
}

func soakEvents() []soakEvent {
	return []soakEvent{
		{"read", 46, read("creds/")},
		{"history", 4, read("history/")},
		{"health", 4, read("health/")},
		{"status", 2, func(s *soak, ctx context.Context, _ *soaked) error {
			_, err := s.client.Logical().ReadWithContext(ctx, "sei/status")
			return err
		}},
		{"wait", 3, func(s *soak, ctx context.Context, in *soaked) error {
			_, err := s.client.Logical().ReadWithDataWithContext(ctx, "sei/creds/"+in.name, map[string][]string{"version": {"1000000"}, "wait": {"1s"}})
			return ignore(err, "version")
		}},
		{"check", 4, write("health/")},
		{"re-authentication", 14, alone((*soak).reauthenticate)},
		{"refused re-authentication", 3, alone((*soak).reauthenticateWrongly)},
		{"revoked, found and mended", 4, alone((*soak).revoke)},
		{"rotation", 4, alone((*soak).rotate)},
		{"authorization left open", 3, alone((*soak).leave)},
		{"invitation", 3, write("invites/")},
		{"report of a worker", 3, alone((*soak).report)},
		{"forgotten and entered again", 3, alone((*soak).forget)},
	}
}

// happen lets one event happen.
func (s *soak) happen(ctx context.Context, in *soaked) {
	events := soakEvents()
	at := rand.N(100)
	for _, e := range events {
		if at -= e.weight; at < 0 {
			s.done.note(e.kind, e.run(s, ctx, in))
			return
		}
	}
}

// alone lets nobody else change the integration meanwhile. Whoever comes second waits.
func alone(run func(*soak, context.Context, *soaked) error) func(*soak, context.Context, *soaked) error {
	return func(s *soak, ctx context.Context, in *soaked) error {
		in.Lock()
		defer in.Unlock()
		return run(s, ctx, in)
	}
}

func read(path string) func(*soak, context.Context, *soaked) error {
	return func(s *soak, ctx context.Context, in *soaked) error {
		_, err := s.client.Logical().ReadWithContext(ctx, "sei/"+path+in.name)
		return err
	}
}

func write(path string) func(*soak, context.Context, *soaked) error {
	return func(s *soak, ctx context.Context, in *soaked) error {
		_, err := s.client.Logical().WriteWithContext(ctx, "sei/"+path+in.name, nil)
		return err
	}
}

// ignore returns no error for one that has a word.
func ignore(err error, words ...string) error {
	for _, word := range words {
		if err != nil && strings.Contains(err.Error(), word) {
			return nil
		}
	}
	return err
}

// reauthenticateWrongly sends what the upstream refuses.
func (s *soak) reauthenticateWrongly(ctx context.Context, in *soaked) error {
	if in.consent != nil {
		return s.leave(ctx, in)
	}
	body := in.wrong()
	_, err := s.client.Logical().WriteWithContext(ctx, "sei/reauth/"+in.name, body)
	if err == nil {
		return errors.New("a credential that nobody made was taken")
	}
	return ignore(err, "rejected")
}

// revoke has the upstream forget the token; the engine finds that, tells the target, and a
// person enters another one.
func (s *soak) revoke(ctx context.Context, in *soaked) error {
	if in.revoke != nil {
		in.revoke(in.token)
	}
	if _, err := s.client.Logical().WriteWithContext(ctx, "sei/health/"+in.name, nil); err != nil {
		return err
	}
	return s.reauthenticate(ctx, in)
}

// rotate has the engine make another token, where it can.
func (s *soak) rotate(ctx context.Context, in *soaked) error {
	if !in.rotates {
		return s.reauthenticate(ctx, in)
	}
	_, err := s.client.Logical().WriteWithContext(ctx, "sei/rotate/"+in.name, nil)
	return err
}

// leave begins an authorization that nobody finishes.
func (s *soak) leave(ctx context.Context, in *soaked) error {
	if in.consent == nil {
		return read("creds/")(s, ctx, in)
	}
	_, err := s.client.Logical().WriteWithContext(ctx, "sei/oauth/authorize/"+in.name, nil)
	return err
}

// report is what a worker tells when the upstream refused it.
func (s *soak) report(ctx context.Context, in *soaked) error {
	creds, err := s.client.Logical().ReadWithContext(ctx, "sei/creds/"+in.name)
	if err != nil {
		return err
	}
	_, err = s.client.Logical().WriteWithContext(ctx, "sei/creds/"+in.name+"/report", map[string]any{"fingerprint": creds.Data["fingerprint"], "status_code": 401})
	return err
}

// forget takes an integration away and makes it anew.
func (s *soak) forget(ctx context.Context, in *soaked) error {
	if _, err := s.client.Logical().DeleteWithContext(ctx, "sei/integrations/"+in.name); err != nil {
		return err
	}
	return s.enter(ctx, in)
}
