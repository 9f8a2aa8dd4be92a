package azuredevops

import (
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

const (
	azureHost         = "dev.azure.com"
	azureLegacySuffix = ".visualstudio.com"
	azureCollection   = "DefaultCollection"
)

// azureRoot is where an organisation answers.
type azureRoot struct {
	// base is the url without the organisation, in one spelling: two roots are
	// of one Azure DevOps if they have the same base. Paths of a server are the
	// same whatever their case.
	base string
	// api is the organisation's root, to which /_apis is added.
	api string
	// hosted is set where Microsoft runs the host.
	hosted bool
}

// findAzureRoot finds the root of an organisation for what people copy from the
// browser. The organisation may stand in the url, but not another than the
// setting names.
//
// Services: https://learn.microsoft.com/en-us/azure/devops/extend/develop/work-with-urls
// Server: https://learn.microsoft.com/en-us/rest/api/azure/devops/?view=azure-devops-server-rest-7.0#components-of-a-rest-api-requestresponse-pair
func findAzureRoot(p probe.Probe, raw, organization string) (azureRoot, *providers.Error) {
	u, err := p.Root(raw)
	if err != nil {
		return azureRoot{}, err
	}
	plainHost(u)
	probe.TrimAPIPath(u, "/_apis")
	host := u.Hostname()
	switch {
	case host == azureHost:
		return servicesRoot(p, u, organization)
	case strings.HasSuffix(host, azureLegacySuffix):
		return legacyRoot(p, u, organization)
	case strings.HasSuffix(host, "."+azureHost), "."+host == azureLegacySuffix:
		return azureRoot{}, p.Invalid("url", "url is https://%s, not the host of one of its services", azureHost)
	}
	return serverRoot(p, u, organization)
}

// plainHost brings a host into one spelling: without the dot of the root domain
// and without the port that is meant anyway.
func plainHost(u *url.URL) {
	host, port := u.Hostname(), u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	host = strings.TrimSuffix(host, ".")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	u.Host = probe.WithPort(host, port)
}

// servicesRoot: https://dev.azure.com, with or without the organisation.
func servicesRoot(p probe.Probe, u *url.URL, organization string) (azureRoot, *providers.Error) {
	if err := checkAzureName(p, organization, true); err != nil {
		return azureRoot{}, err
	}
	if path := strings.TrimPrefix(u.Path, "/"); path != "" && !strings.EqualFold(path, organization) {
		return azureRoot{}, p.Invalid("url", "the path of url is not the organization %q; leave it out, url is https://%s", organization, azureHost)
	}
	return azureAt(u, "", organization, true), nil
}

// legacyRoot: https://<organization>.visualstudio.com, which is the same
// organisation as at dev.azure.com.
func legacyRoot(p probe.Probe, u *url.URL, organization string) (azureRoot, *providers.Error) {
	if err := checkAzureName(p, organization, true); err != nil {
		return azureRoot{}, err
	}
	name := strings.TrimSuffix(u.Hostname(), azureLegacySuffix)
	path := strings.TrimPrefix(u.Path, "/")
	switch {
	case !strings.EqualFold(name, organization):
		return azureRoot{}, p.Invalid("url", "the host of url is not that of the organization %q, which is https://%s%s", organization, strings.ToLower(organization), azureLegacySuffix)
	case path != "" && !strings.EqualFold(path, azureCollection):
		return azureRoot{}, p.Invalid("url", "url is the root without a path, https://%s%s", name, azureLegacySuffix)
	}
	base := url.URL{Scheme: u.Scheme, Host: probe.WithPort(azureHost, u.Port())}
	api := url.URL{Scheme: u.Scheme, Host: u.Host}
	return azureRoot{base: base.String(), api: api.String(), hosted: true}, nil
}

// serverRoot: https://<server>/<path>, with or without the collection, which is
// what organization names. A path that is nothing but that name may be the server's
// as well as the collection's.
func serverRoot(p probe.Probe, u *url.URL, organization string) (azureRoot, *providers.Error) {
	if err := checkAzureName(p, organization, false); err != nil {
		return azureRoot{}, err
	}
	path := u.Path
	switch i := strings.LastIndexByte(path, '/'); {
	case i < 0 || lowerASCII(path[i+1:]) != lowerASCII(organization):
	case i == 0:
		return azureRoot{}, p.Invalid("url", "the path of url can be the server's or the collection %q; leave it out if it is the collection, and if the collection is one below it, write both, as in https://devops.example.com%s/%s",
			organization, path, organization)
	default:
		path = path[:i]
	}
	return azureAt(u, path, organization, false), nil
}

// lowerASCII leaves all letters but those of ASCII as they are: some have one of
// them as their lower case.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

func azureAt(u *url.URL, path, organization string, hosted bool) azureRoot {
	base := url.URL{Scheme: u.Scheme, Host: u.Host, Path: lowerASCII(path)}
	api := url.URL{Scheme: u.Scheme, Host: u.Host, Path: path + "/" + organization}
	return azureRoot{base: base.String(), api: api.String(), hosted: hosted}
}

var azureOrganizationForm = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z-]{0,48}[0-9A-Za-z])?$`)

var azureCollectionForm = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z ._-]{0,62}[0-9A-Za-z_-])?$`)

// checkAzureName accepts what can be an organisation, or on a server a collection. All
// of it is ASCII, so that lower case is one spelling and no two names look alike.
// https://learn.microsoft.com/en-us/azure/devops/organizations/settings/naming-restrictions
func checkAzureName(p probe.Probe, name string, hosted bool) *providers.Error {
	if hosted {
		if azureOrganizationForm.MatchString(name) {
			return nil
		}
		return p.Invalid(azureOrganization, "organization holds letters, digits and hyphens only, as in https://%s/contoso", azureHost)
	}
	if azureCollectionForm.MatchString(name) {
		return nil
	}
	return p.Invalid(azureOrganization, "organization is the name of a collection, such as %s: letters, digits, spaces, dots, hyphens and underscores", azureCollection)
}
