package serve

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/page"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// newSettings asks for the provider, then for the auth type, then for the settings.
func (s *Server) newSettings(w http.ResponseWriter, r *http.Request, p place) {
	s.newWith(w, r, p, http.StatusOK, nil)
}

func (s *Server) newWith(w http.ResponseWriter, r *http.Request, p place, status int, refusal *page.Refusal) {
	q, ctx := r.URL.Query(), r.Context()
	if q.Get("provider") == "" {
		names, err := p.Providers(ctx)
		if err != nil {
			s.failed(w, r, p, err)
			return
		}
		s.showSettings(w, r, p, status, page.Settings{New: true, Providers: names})
		return
	}
	view, err := s.described(r, p, q.Get("provider"), q.Get("auth_type"))
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	view.New, view.Refusal, view.Name = true, refusal, r.PostForm.Get("name")
	view.BadName = refusal != nil && slices.Contains(refusal.Fields, "name")
	if view.Choices == nil {
		view.Inputs = settingInputs(view.Provider.Fields(view.AuthType), nil, r.PostForm, refusal)
	}
	s.showSettings(w, r, p, status, view)
}

// described reads a provider, and finds the auth type that was chosen or is the only one.
func (s *Server) described(r *http.Request, p place, name, authType string) (page.Settings, error) {
	if !engine.IsName(name) {
		return page.Settings{}, &vaultapi.Refusal{Status: http.StatusNotFound, Sentence: "there is no such provider"}
	}
	provider, err := p.Provider(r.Context(), name)
	if err != nil {
		return page.Settings{}, err
	}
	view := page.Settings{Provider: provider, AuthType: authType}
	if _, known := provider.AuthTypes[authType]; known {
		return view, nil
	}
	for _, name := range slices.Sorted(maps.Keys(provider.AuthTypes)) {
		auth := provider.AuthTypes[name]
		view.Choices = append(view.Choices, page.Choice{Name: name, Title: auth.Title, Note: auth.Reason})
	}
	if len(view.Choices) == 1 {
		view.AuthType, view.Choices = view.Choices[0].Name, nil
	}
	return view, nil
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, p place, status int, view page.Settings) {
	title := "New integration"
	if !view.New {
		title = "Change " + view.Name
	}
	s.show(w, r, p, status, "settings", page.Frame{Title: title, Main: view})
}

// settingInputs makes the inputs of settings: with what is so, or with what was entered.
func settingInputs(fields []engine.Field, is engine.Settings, form url.Values, refusal *page.Refusal) []page.Input {
	values := map[string]string{}
	for _, f := range fields {
		values[f.Name] = f.Default
		if is != nil {
			values[f.Name] = textOf(is[f.Name])
		}
	}
	now := maps.Clone(values)
	if entered := shownAgain(form); entered != nil {
		now = entered
	}
	list := inputs(fields, now, refusal, 0)
	for i, f := range fields {
		list[i].Was, list[i].Hint, list[i].Set = values[f.Name], hint(f), is.Flag(f.Name+"_set")
		if form.Has("was." + f.Name) {
			// What is shown again is from before a refusal, and so must be what it is compared with:
			// else what others have changed meanwhile would look like a wish to have it back.
			list[i].Was = plain(form.Get("was." + f.Name))
		}
		if list[i].Set {
			list[i].Hint = "One is stored; leave empty to keep it."
		}
		if is != nil && f.Locates {
			list[i].Hint += " It decides where the credential is sent, and cannot change while one is stored."
		}
	}
	return list
}

// shownAgain is what a form of settings said, to be shown again; nil where none was sent.
func shownAgain(form url.Values) map[string]string {
	if len(form) == 0 {
		return nil
	}
	entered := map[string]string{}
	for name, values := range form {
		if field, ok := strings.CutPrefix(name, prefix); ok {
			entered[field] = plain(values[0])
		}
	}
	return entered
}

// plain undoes what browsers do to the ends of lines.
func plain(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// create makes an integration. One that exists would be changed instead, so it is looked for
// first; where that is not allowed, nothing is made.
func (s *Server) create(w http.ResponseWriter, r *http.Request, p place) {
	q, name := r.URL.Query(), strings.TrimSpace(r.PostForm.Get("name"))
	if !engine.IsName(name) {
		s.newWith(w, r, p, http.StatusUnprocessableEntity, &page.Refusal{Fields: []string{"name"}, Text: "A name has letters, digits, _, - and ., and begins and ends with a letter or digit."})
		return
	}
	view, err := s.described(r, p, q.Get("provider"), q.Get("auth_type"))
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	taken, err := s.taken(r.Context(), p, name)
	if refusal := refusalOf("settings", err); refusal != nil {
		s.newWith(w, r, p, http.StatusUnprocessableEntity, refusal)
		return
	}
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	if taken != "" {
		s.newWith(w, r, p, http.StatusUnprocessableEntity, &page.Refusal{Fields: []string{"name"}, Text: taken})
		return
	}
	settings := changes(view.Provider.Fields(view.AuthType), r.PostForm)
	settings["provider"], settings["auth_type"] = view.Provider.Name, view.AuthType
	warnings, err := p.Configure(r.Context(), name, settings)
	if refusal := refusalOf("settings", err); refusal != nil {
		s.newWith(w, r, p, http.StatusUnprocessableEntity, refusal)
		return
	}
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	s.lead(w, r, "integration", p.Mount, name, done("Created. It has no credential yet.", warnings)...)
}

// taken says why no integration can be made of a name, "" where one can.
func (s *Server) taken(ctx context.Context, p place, name string) (string, error) {
	path := "integrations/" + name
	rights, err := p.Rights(ctx, path)
	if err != nil {
		return "", err
	}
	if !rights.Read(path) {
		return "Your token's policies do not let you read this integration, so it cannot be known whether there is one already. Nothing was made.", nil
	}
	_, err = p.Settings(ctx, name)
	if err == nil {
		return "There is an integration of this name already.", nil
	}
	if r := (*vaultapi.Refusal)(nil); errors.As(err, &r) && r.Status == http.StatusNotFound && !r.Absent() {
		return "", nil
	}
	return "", err
}

// editSettings is the page on which settings are changed.
func (s *Server) editSettings(w http.ResponseWriter, r *http.Request, p place) {
	s.editWith(w, r, p, http.StatusOK, nil)
}

func (s *Server) editWith(w http.ResponseWriter, r *http.Request, p place, status int, refusal *page.Refusal) {
	is, view, err := s.configured(r, p)
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	view.Name, view.Refusal = p.name, refusal
	var fields []engine.Field
	for _, f := range view.Provider.Fields(view.AuthType) {
		if f.Fixed {
			view.Fixed = append(view.Fixed, page.Setting{Title: f.Title, Values: []string{textOf(is[f.Name])}})
			continue
		}
		fields = append(fields, f)
	}
	view.Inputs = settingInputs(fields, is, r.PostForm, refusal)
	s.showSettings(w, r, p, status, view)
}

// configured reads an integration and its provider.
func (s *Server) configured(r *http.Request, p place) (engine.Settings, page.Settings, error) {
	is, err := p.Settings(r.Context(), p.name)
	if err != nil {
		return nil, page.Settings{}, err
	}
	view, err := s.described(r, p, is.Text("provider"), is.Text("auth_type"))
	return is, view, err
}

// change sends the settings that were changed in the form, and leaves alone what others may
// have changed meanwhile.
func (s *Server) change(w http.ResponseWriter, r *http.Request, p place) {
	_, view, err := s.configured(r, p)
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	settings := changes(view.Provider.Fields(view.AuthType), r.PostForm)
	if len(settings) == 0 {
		s.lead(w, r, "integration", p.Mount, p.name, page.Note{Text: "Nothing was changed."})
		return
	}
	warnings, err := p.Configure(r.Context(), p.name, settings)
	if refusal := refusalOf("settings", err); refusal != nil {
		s.editWith(w, r, p, http.StatusUnprocessableEntity, refusal)
		return
	}
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	s.lead(w, r, "integration", p.Mount, p.name, done("Saved.", warnings)...)
}

// changes are the settings whose value in a form is another than when the form was made.
func changes(fields []engine.Field, form url.Values) map[string]any {
	sent := map[string]any{}
	for _, f := range fields {
		value, was := plain(form.Get(prefix+f.Name)), plain(form.Get("was."+f.Name))
		if f.Kind == "flag" {
			value, was = flag(value), flag(was)
		}
		if unchanged(f, value, was) || f.Fixed && value == "" || f.Secret && strings.TrimSpace(value) == "" {
			continue
		}
		sent[f.Name] = valueOf(f, value)
	}
	return sent
}

// unchanged compares what came back of an input with what it was made with. An input of one
// line loses line breaks on the way and one of several lines may gain or lose the last, which
// nobody meant to change; in a certificate it is sent as it is.
func unchanged(f engine.Field, value, was string) bool {
	bare := func(text string) string {
		switch {
		case f.Kind == "pem":
			return text
		case inputType(f) == "textarea":
			return strings.TrimRight(text, "\n")
		}
		return strings.TrimSpace(strings.ReplaceAll(text, "\n", ""))
	}
	return bare(value) == bare(was)
}

func flag(text string) string {
	if text == "true" {
		return text
	}
	return "false"
}

// valueOf is what is sent for a setting that was entered as a text. A number that was emptied
// is sent empty, which the engine refuses: 0 would be another wish, and often means off.
func valueOf(f engine.Field, text string) any {
	switch f.Kind {
	case "list":
		return lines(text)
	case "map":
		pairs := map[string]any{}
		for _, line := range lines(text) {
			key, value, _ := strings.Cut(line, "=")
			pairs[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		return pairs
	case "flag":
		return text == "true"
	case "pem":
		return text
	}
	return strings.TrimSpace(text)
}

func lines(text string) []string {
	list := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}
