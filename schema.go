package sei

import (
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"

	"vault-plugin-secrets-sei/providers"
)

// Display groups of fields. Settings of one provider are in a group of its title.
const (
	credentialGroup = "Credential"
	commonGroup     = "Common"
	oauthGroup      = "OAuth"
	stateGroup      = "State" // read back, and never written
	waitGroup       = "Waiting"
)

// schemas is the framework's form of fields, for help and OpenAPI.
func schemas(fields []providers.Field, group string) map[string]*framework.FieldSchema {
	built := make(map[string]*framework.FieldSchema, len(fields))
	for _, f := range fields {
		built[f.Name] = schema(f, group)
	}
	return built
}

func schema(f providers.Field, group string) *framework.FieldSchema {
	s := &framework.FieldSchema{
		Type:         fieldType(f.Kind),
		Description:  f.Description,
		Required:     f.Required,
		DisplayAttrs: &framework.DisplayAttributes{Name: f.Title, Group: group, Sensitive: f.Kind.Secret()},
	}
	for _, value := range f.Values {
		s.AllowedValues = append(s.AllowedValues, value)
	}
	if f.Kind == providers.PEM {
		s.DisplayAttrs.EditType = "textarea"
	}
	return s
}

func fieldType(k providers.Kind) framework.FieldType {
	switch k {
	case providers.List:
		return framework.TypeCommaStringSlice
	case providers.Map:
		return framework.TypeKVPairs
	case providers.Flag:
		return framework.TypeBool
	case providers.Count:
		return framework.TypeInt
	case providers.Duration:
		return framework.TypeDurationSecond
	case providers.Text, providers.Email, providers.URL, providers.PEM, providers.Time, providers.Token, providers.Pool:
	}
	return framework.TypeString
}

// nameField is the integration's name in a path.
func nameField() *framework.FieldSchema {
	return &framework.FieldSchema{
		Type: framework.TypeString, Required: true, Description: "Name of the integration.",
		DisplayAttrs: &framework.DisplayAttributes{Name: "Integration", Identifier: true},
	}
}

// form gathers the fields that several providers have at one path, by name. Which of them
// a request takes depends on the integration, so that none is required.
type form map[string]*formField

type formField struct {
	field   providers.Field
	groups  []string
	remarks []remark
}

// remark is a description of a field, and who gives it.
type remark struct {
	text   string
	owners []owner
}

// owner is a provider, and where each of its auth types has fields of its own, which one.
type owner struct{ title, auth string }

// name is the provider's title, with the auth type if the provider says several things of a field.
func (o owner) name(several bool) string {
	if several && o.auth != "" {
		return o.title + " (" + o.auth + ")"
	}
	return o.title
}

// add adds fields of a provider, or of one of its auth types. An empty group means one
// named after the providers.
func (f form) add(list []providers.Field, whose owner, group string) {
	if group == "" {
		group = whose.title
	}
	for _, field := range list {
		have := f[field.Name]
		if have == nil {
			have = &formField{field: field}
			f[field.Name] = have
		}
		if !slices.Contains(have.groups, group) {
			have.groups = append(have.groups, group)
		}
		have.note(field.Description, whose)
	}
}

func (f *formField) note(text string, whose owner) {
	i := slices.IndexFunc(f.remarks, func(r remark) bool { return r.text == text })
	if i < 0 {
		f.remarks = append(f.remarks, remark{text: text})
		i = len(f.remarks) - 1
	}
	f.remarks[i].owners = append(f.remarks[i].owners, whose)
}

// description says whose a remark is where there are several.
func (f *formField) description() string {
	if len(f.remarks) == 1 {
		return f.remarks[0].text
	}
	remarks := map[string]int{} // of each provider
	for _, r := range f.remarks {
		for _, title := range r.titles() {
			remarks[title]++
		}
	}
	texts := make([]string, 0, len(f.remarks))
	for _, r := range f.remarks {
		var names []string
		for _, o := range r.owners {
			if name := o.name(remarks[o.title] > 1); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		texts = append(texts, strings.Join(names, ", ")+": "+r.text)
	}
	return strings.Join(texts, " ")
}

// titles are the providers that give the remark, each once.
func (r remark) titles() []string {
	var titles []string
	for _, o := range r.owners {
		if !slices.Contains(titles, o.title) {
			titles = append(titles, o.title)
		}
	}
	return titles
}

// schemas is the framework's form of it, with the field name of the path.
func (f form) schemas() map[string]*framework.FieldSchema {
	built := map[string]*framework.FieldSchema{"name": nameField()}
	for name, have := range f {
		s := schema(have.field, strings.Join(have.groups, ", "))
		s.Description, s.Required = have.description(), false
		built[name] = s
	}
	return built
}

// everyAuthType calls visit for the auth types of all providers.
func (e *engine) everyAuthType(visit func(providers.Spec, providers.AuthType)) {
	for _, name := range e.registry.Names() {
		p, _ := e.registry.Provider(name)
		spec := p.Spec()
		for _, auth := range spec.AuthTypes {
			visit(spec, auth)
		}
	}
}
