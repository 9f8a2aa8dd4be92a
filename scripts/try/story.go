package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/acceptance/host"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
)

const account = "ada@example.com"

// story is a mount and an upstream. It is told on standard output.
type story struct {
	mount *host.Mount
	jira  *httptest.Server
}

func newStory(ctx context.Context, h *host.Host) (*story, error) {
	m, err := h.Mount(ctx, &logical.InmemStorage{})
	if err != nil {
		return nil, err
	}
	fake := jiratest.NewJira(jiratest.JiraOptions{})
	fake.AddAPIToken(account, "ATATT-first")
	fake.AddAPIToken(account, "ATATT-second")
	s := &story{mount: m, jira: httptest.NewServer(fake)}
	say("The plugin %s runs as process %d and speaks version %d of Vault's protocol.\nA fake Jira listens at %s. It knows ATATT-first and ATATT-second.",
		m.RunningVersion(), h.PID(), h.Version(), s.jira.URL)
	return s, nil
}

func (s *story) close(ctx context.Context) {
	s.mount.Close(ctx)
	s.jira.Close()
}

func say(format string, args ...any) { fmt.Printf("\n"+format+"\n", args...) }

// field is one field of a request, in the order in which it is shown.
type field struct {
	name  string
	value any
}

// step is one request and what must come of it.
type step struct {
	before string // told before the request
	path   string
	send   []field // nothing for a read
	// shows are the fields of the answer to show, and what they must be.
	shows []field
	// refused is the code that the request must be refused with.
	refused string
}

// tell goes through the story, and fails at the first step that is not as it says.
func (s *story) tell(ctx context.Context) error {
	for _, step := range s.steps() {
		if err := s.take(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// steps are the story.
func (s *story) steps() []step {
	key := func(value string) []field { return []field{{"email", account}, {"api_key", value}} }
	return []step{
		{
			before: "An operator configures an integration. It holds no credential. (The engine calls\npublic https addresses only; the fake is on loopback, so that is allowed first.)",
			path:   "config", send: []field{{"allowed_hosts", s.jira.URL}},
		},
		{path: "integrations/jira-prod", send: []field{{"provider", "jira"}, {"auth_type", "api_key"}, {"url", s.jira.URL}}},
		{
			before: "Re-authentication takes the credential and nothing else. It is checked at Jira,\nand swapped in because it works:",
			path:   "reauth/jira-prod", send: key("ATATT-first"),
			shows: []field{{"identity", account}, {"previous_version", 0}, {"version", 1}},
		},
		{
			before: "A mistyped key is refused, and the one before stays in use:",
			path:   "reauth/jira-prod", send: key("ATATT-mistyped"), refused: "credential_rejected",
		},
		{
			before: "So is an attempt to send the key elsewhere:",
			path:   "reauth/jira-prod", send: append(key("ATATT-second"), field{"url", "https://jira.evil.example"}), refused: "field_not_allowed",
		},
		{
			before: "A new key takes the place of the old one, in one write:",
			path:   "reauth/jira-prod", send: key("ATATT-second"),
			shows: []field{{"previous_version", 1}, {"version", 2}},
		},
		{
			before: "A worker reads it, with headers ready to set on a request:",
			path:   "creds/jira-prod",
			shows:  []field{{"api_key", "ATATT-second"}, {"email", account}, {"version", 2}},
		},
		{
			before: "The engine knows whether it works, and until when:",
			path:   "health/jira-prod", shows: []field{{"status", "healthy"}, {"version", 2}},
		},
	}
}

func (s *story) take(ctx context.Context, step step) error {
	if step.before != "" {
		say("%s", step.before)
	}
	fmt.Printf("\n> %s\n", step.line())
	resp, err := s.send(ctx, step)
	if resp != nil && resp.IsError() {
		return refusal(step, resp)
	}
	if err != nil {
		return err
	}
	if step.refused != "" {
		return fmt.Errorf("%s was not refused", step.path)
	}
	return show(step, resp)
}

func (s *story) send(ctx context.Context, step step) (*logical.Response, error) {
	if len(step.send) == 0 {
		return s.mount.Read(ctx, step.path)
	}
	data := map[string]any{}
	for _, f := range step.send {
		data[f.name] = f.value
	}
	return s.mount.Write(ctx, step.path, data)
}

// line is the request as the vault command would be called.
func (st step) line() string {
	if len(st.send) == 0 {
		return "read sei/" + st.path
	}
	words := []string{"write sei/" + st.path}
	for _, f := range st.send {
		words = append(words, fmt.Sprintf("%s=%v", f.name, f.value))
	}
	return strings.Join(words, " ")
}

// refusal shows a refusal, and fails if it is not the one of the story.
func refusal(step step, resp *logical.Response) error {
	text := resp.Error().Error()
	fmt.Println("  refused: " + strings.Join(wrapped(text, 78), "\n  "))
	if step.refused == "" || !strings.HasPrefix(text, step.refused+":") {
		return fmt.Errorf("%s was refused", step.path)
	}
	return nil
}

// show shows fields of an answer, and fails if one is not what the story says.
func show(step step, resp *logical.Response) error {
	for _, f := range step.shows {
		got, want := "", fmt.Sprint(f.value)
		if resp != nil {
			got = fmt.Sprint(resp.Data[f.name])
		}
		fmt.Printf("  %-18s %s\n", f.name, got)
		if got != want {
			return fmt.Errorf("%s: %s is not %s", step.path, f.name, want)
		}
	}
	return nil
}

// wrapped breaks a text into lines at blanks.
func wrapped(text string, width int) []string {
	lines := []string{""}
	for _, word := range slices.Collect(strings.FieldsSeq(text)) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
