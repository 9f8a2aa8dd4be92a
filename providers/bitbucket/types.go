package bitbucket

import "vault-plugin-secrets-sei/providers"

// bitbucketResourceType describes access tokens of a workspace, project or repository.
//
//   - https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/
//   - https://support.atlassian.com/bitbucket-cloud/docs/using-access-tokens/ for git
func bitbucketResourceType() providers.AuthType {
	return providers.AuthType{
		Name: bitbucketResource, Title: "Access token of a workspace, project or repository", TellsScopes: true,
		MadeAt: "https://bitbucket.org/{workspace}",
		Fields: []providers.Field{
			{Name: providers.OAuthAccessToken, Title: "Access token", Kind: providers.Token, Required: true, Description: "Token made in the settings of the workspace, project or repository, page Access tokens. It is sent as Bearer; for git over https it is the password of the user x-token-auth."},
		},
		Settings: []providers.Field{
			{Name: bitbucketProject, Title: "Project", Kind: providers.Text, Description: "Key of the project that the token must reach; for a token of a project, that project."},
			{Name: bitbucketRepository, Title: "Repository", Kind: providers.Text, Description: "Repository that the token must reach: its name as in the browser's address, without the workspace, or its UUID in curly braces. For a token of a repository, that one."},
		},
	}
}

// bitbucketPATType describes HTTP access tokens of Data Center.
// https://confluence.atlassian.com/bitbucketserver/http-access-tokens-939515499.html
func bitbucketPATType() providers.AuthType {
	return providers.AuthType{
		Name: bitbucketPAT, Title: "HTTP access token (Data Center)",
		MadeAt: "{url}/plugins/servlet/access-tokens/manage",
		Fields: []providers.Field{
			{Name: bitbucketPAT, Title: "HTTP access token", Kind: providers.Token, Required: true, Description: "Token made in the account of a user, or in the settings of a project or repository. It is sent as Bearer; in git over https that of a user is also the password of that user, and that of a project or repository works as Bearer only (http.extraHeader)."},
			{Name: "expires_at", Title: "Expires at", Kind: providers.Time, Description: "When the token ends, as the page that made it says; Bitbucket does not tell."},
		},
		Settings: []providers.Field{
			{Name: bitbucketProject, Title: "Project", Kind: providers.Text, Description: "Key of the project that the token must see, or ~ and the name of a user for a personal one."},
			{Name: bitbucketRepository, Title: "Repository", Kind: providers.Text, Description: "Repository of that project that the token must see, as in the browser's address."},
		},
	}
}
