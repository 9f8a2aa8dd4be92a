package catalogtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// bitbucketRefusalCases are about what Bitbucket itself says, and what it documents, at
// each of the questions.
func bitbucketRefusalCases() []Case {
	in := func(ws bitbuckettest.BitbucketWorkspace) func(w *World) {
		return func(w *World) {
			knowsMiaAtBitbucket(w)
			ws.Slug, ws.Members = orgName, []string{miaEmail}
			w.Bitbucket.AddWorkspace(ws)
		}
	}
	at := func(path, name string, want providers.Outcome, f providertest.Fault, look check) Case {
		return bitbucketCase(name, want, func(w *World) { knowsMiaAtBitbucket(w); f.Path = path; w.Bitbucket.Behave(f) }, look).setting("workspace", orgName)
	}
	answers := bitbuckettest.BitbucketAnswers()
	member := func(name string, want providers.Outcome, look check) Case {
		return at(bitbucketPermit, "answer "+name+" to the workspace", want, answers[name].At(""), look)
	}
	listed := all(missing(orgName), says("list the address of this Vault", "not judged"))
	plain := map[string]string{"Content-Type": "text/plain"}
	return []Case{
		bitbucketCase("a member who may create projects is one, too", "", in(bitbuckettest.BitbucketWorkspace{Permission: "create-project"}), bitbucketGood).setting("workspace", orgName),
		bitbucketCase("a workspace that lets in listed addresses only is told", providers.InsufficientScope, in(bitbuckettest.BitbucketWorkspace{Listed: true}), listed).setting("workspace", orgName),
		at("/2.0/user", "an address that is not listed is told before the user is", providers.InsufficientScope, answers["address_not_listed_403"].At(""), listed),
		at("/2.0/user", "an address that is refused with 401 is no word on the token", providers.InsufficientScope, providertest.Fault{
			Status: http.StatusUnauthorized, Body: `{"type":"error","error":{"message":"Access denied","detail":"Your IP address is not on the allowlist of this workspace."}}`,
		}, listed),
		bitbucketCase("an address that is not listed is told without a workspace", providers.InsufficientScope, func(w *World) {
			w.Bitbucket.Behave(answers["address_not_listed_403"].At("/2.0/user"))
		}, says("Bitbucket accepts requests from listed IP addresses only")),
		at("/2.0/user", "a firewall that refuses addresses is no verdict", providers.UpstreamError, providertest.Fault{
			Status: http.StatusForbidden, Header: plain, Body: "Your IP address is blocked",
		}, nil),
		member("workspace_permission_create_project", "", bitbucketGood),
		member("workspace_permission_member", "", bitbucketGood),
		member("workspace_permission_no_access_403", providers.InsufficientScope, missing(orgName)),
		member("no_api_hosted_404", providers.UpstreamError, all(named("workspace"), says("could not be told"))),
		member("address_not_listed_403", providers.InsufficientScope, listed),
		at(bitbucketPermit, "a workspace that is said not to be found is no verdict either", providers.UpstreamError, providertest.Fault{
			Status: http.StatusNotFound, Body: `{"type":"error","error":{"message":"No workspace with identifier 'acme'."}}`,
		}, says("could not be told")),
		member("token_invalid_401", providers.UpstreamError, all(says("a moment later"), saysNot("not an answer of its API", "something that is not"))),
		member("basic_login_failed_401", providers.UpstreamError, says("a moment later")),
		bitbucketCase("answer realm_401", providers.Rejected, func(w *World) { w.Bitbucket.Behave(answers["realm_401"].At("/2.0/user")) }, nil),
		bitbucketCase("a challenge for OAuth is Bitbucket's as well", providers.Rejected, func(w *World) {
			w.Bitbucket.Behave(providertest.Fault{Path: "/2.0/user", Status: http.StatusUnauthorized, Header: map[string]string{"Content-Type": "", "WWW-Authenticate": `OAuth realm="Bitbucket.org HTTP"`}})
		}, nil),
		bitbucketCase("answer basic_login_failed_401 labelled JSON", providers.Rejected, func(w *World) {
			w.Bitbucket.Behave(providertest.Fault{Path: "/2.0/user", Status: http.StatusUnauthorized, Body: answers["basic_login_failed_401"].Body})
		}, nil),
	}
}
