package azuredevops

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// azureAPIVersions are the versions of the API that are asked for, the newest first:
// Azure DevOps Services and Server 2022.1 know all of them, Server 2022 those up to
// 7.0, 2020 up to 6.0, and 2019 up to 5.0.
// https://learn.microsoft.com/en-us/azure/devops/integrate/concepts/rest-api-versioning
func azureAPIVersions() []string { return []string{"7.1", "7.0", "6.0", "5.0"} }

// azureVersion finds the version of the API that a server knows. It is kept for all
// questions of a check, and with the credential for the checks after it.
type azureVersion struct{ candidates []string }

// newAzureVersion begins with the version that is known to be good, if one is.
func newAzureVersion(known string) *azureVersion {
	all := azureAPIVersions()
	if i := slices.Index(all, known); i > 0 {
		all = append([]string{known}, slices.Delete(all, i, i+1)...)
	}
	return &azureVersion{candidates: all}
}

func (v *azureVersion) number() string { return v.candidates[0] }

// next goes on to the next version and reports whether there is one.
func (v *azureVersion) next() bool {
	if len(v.candidates) < 2 {
		return false
	}
	v.candidates = v.candidates[1:]
	return true
}

// found is what is worth remembering: nothing where the newest version is known.
func (v *azureVersion) found() string {
	if v.number() == azureAPIVersions()[0] {
		return ""
	}
	return v.number()
}

// ask sends a question in the newest version that the server knows. A suffix marks the
// version of a resource that exists as a preview only.
func (c azureCheck) ask(ctx context.Context, address, suffix string) (*upstream.Response, *providers.Error) {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	for {
		res, err := c.Get(ctx, address+separator+"api-version="+c.version.number()+suffix, c.header)
		switch {
		case err != nil || !refusesVersion(res):
			return res, err
		case !c.version.next():
			return nil, c.Fail(providers.UpstreamError, "%q knows none of the versions 5.0 to 7.1 of the API (HTTP %d); Azure DevOps Server 2019 or a newer one is needed", res.Host, res.Status)
		}
	}
}

// refusesVersion reports whether an answer is about the version that was asked for, and
// about nothing else.
func refusesVersion(res *upstream.Response) bool {
	said := refusalOf(res)
	return res.Status == http.StatusBadRequest &&
		(strings.HasPrefix(said.key, "VssInvalidPreviewVersion") || strings.HasPrefix(said.key, "VssVersion") || said.says("out of range for this server"))
}
