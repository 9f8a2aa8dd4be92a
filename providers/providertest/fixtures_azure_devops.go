package providertest

import "net/http"

// AzureAnswers are answers that a check of Azure DevOps can meet, by name.
// People, organisations and ids are dummies.
func AzureAnswers() map[string]Answer {
	html := map[string]string{"Content-Type": "text/html; charset=utf-8", "Location": "https://app.vssps.visualstudio.com/_signin"}
	refusal := func(message, assembly, key string) string {
		return `{"$id":"1","innerException":null,"message":"` + message + `","typeName":"` + assembly + key + `, x","typeKey":"` + key + `","errorCode":0,"eventId":3000}`
	}
	const server = "Microsoft.TeamFoundation.Framework.Server."
	user := `{"id":"ad7ddcd2-0562-665d-84ce-f024d9266741","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;7cfe4c9f-829b-4857-89f9-dfa21e53e1d9\\mia@example.com",
		"subjectDescriptor":"aad.YWQ3ZGRjZDItMDU2Mi03NjVkLTg0Y2UtZjAyNGQ5MjY2NzQx","providerDisplayName":"Mia Example","isActive":true,
		"properties":{"Account":{"$type":"System.String","$value":"mia@example.com"}},"resourceVersion":2,"metaTypeId":0}`
	return map[string]Answer{
		"connection_data_success": {
			Source: "from a client's test: GitLab Congregate MockUsersApi.get_connection_data",
			Status: http.StatusOK,
			Body: `{"authenticatedUser":` + user + `,"authorizedUser":` + user + `,"instanceId":"62d5db69-917f-405d-973d-fc20e7ecd3de",
				"deploymentId":"1f18445b-609a-73c1-2ae2-521b74b4c11d","deploymentType":"hosted","locationServiceData":{"serviceOwner":"00025394-6065-48ca-87d9-7f5672854ef7",
				"defaultAccessMappingMoniker":"PublicAccessMapping","lastChangeId":62693399,"lastChangeId64":62693399}}`,
		},
		"connection_data_anonymous": {
			Source: "recorded: test suites of several public clients, of dev.azure.com/dnceng-public; trimmed there",
			Status: http.StatusOK,
			Body: `{"authenticatedUser":{"id":"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
				"descriptor":"System:PublicAccess;aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa","providerDisplayName":"Anonymous"}}`,
		},
		"connection_data_401": {
			Source: "recorded: microsoft/azure-pipelines-agent issue 1164; body not shown",
			Status: http.StatusUnauthorized,
			Header: map[string]string{
				"WWW-Authenticate": `Basic realm="https://tfs.app.visualstudio.com/", Bearer, TFS-Federated`, "Server": "Microsoft-IIS/10.0",
				"X-TFS-FedAuthRealm": "https://tfs.app.visualstudio.com/", "X-TFS-FedAuthIssuer": "https://contoso.visualstudio.com/",
				"X-TFS-SoapException": "%3C%3Fxml%20version%3D%221.0%22%3F%3E%3Csoap%3AText%3ETF400813%3A%20Resource%20not%20available%20for%20anonymous%20access.%3C%2Fsoap%3AText%3E",
			},
		},
		"connection_data_401_entra_organization": {
			Source: "recorded: microsoft/azure-pipelines-agent issue 4826; body not shown",
			Status: http.StatusUnauthorized,
			Header: map[string]string{
				"WWW-Authenticate": `Bearer authorization_uri=https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000, Basic realm="https://tfsprodweusu4.app.visualstudio.com/", TFS-Federated`,
				"Cache-Control":    "no-cache", "Pragma": "no-cache",
			},
		},
		"pat_expired_401": {
			Source: "recorded: microsoft/azure-pipelines-agent issue 1559; body not shown",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"X-TFS-ServiceError": "Access%20Denied%3A%20The%20Personal%20Access%20Token%20used%20has%20expired."},
		},
		"signin_page_203": {
			Source: "from a client's test: apache/incubator-devlake testdata/test.txt; 203 also in MicrosoftDocs/vsts-rest-api-specs issues 97 and 574",
			Status: http.StatusNonAuthoritativeInfo, Header: html,
			Body: "<html><head><title>Azure DevOps Services | Sign In</title></head><body>",
		},
		"object_moved_401": {
			Source: "from a client's test: apache/incubator-devlake testdata/test.txt",
			Status: http.StatusUnauthorized, Header: html,
			Body: "<html><head><title>Object moved</title></head><body>",
		},
		"signin_redirect_body": {
			Source: "recorded: MicrosoftDocs/azure-devops-docs issue 13661; status and headers not shown, 302 and Location by other reports",
			Status: http.StatusFound,
			Header: map[string]string{
				"Content-Type": "text/html; charset=utf-8",
				"Location":     "https://spsprodsin2.vssps.visualstudio.com/_signin?realm=vssps.dev.azure.com&reply_to=https%3A%2F%2Fvssps.dev.azure.com%2F",
			},
			Body: "<html><head><title>Object moved</title></head><body>\n<h2>Object moved to <a href=\"https://spsprodsin2.vssps.visualstudio.com/_signin?realm=vssps.dev.azure.com&amp;reply_to=h",
		},
		"unauthorized_json_tf400813": {
			Source: "recorded: microsoft/azure-devops-auth-samples issue 52",
			Status: http.StatusUnauthorized,
			Body:   refusal("TF400813: The user '' is not authorized to access this resource.", server, "UnauthorizedRequestException"),
		},
		"preview_version_400": {
			Source: "recorded: dotnet/arcade-services pull 1141",
			Status: http.StatusBadRequest,
			Body: refusal(`The requested version \"5.0\" of the resource is under preview. The -preview flag must be supplied in the api-version for such requests. For example: \"5.0-preview\"`,
				"Microsoft.VisualStudio.Services.WebApi.", "VssInvalidPreviewVersionException"),
		},
		"operation_not_allowed": {
			Source: "recorded: MicrosoftDocs/vsts-rest-api-specs issue 571, for the list of tokens; status not shown, 403 assumed",
			Status: http.StatusForbidden,
			Body:   refusal("The requested operation is not allowed.", server, "InvalidAccessException"),
		},
		"scope_missing_401": {
			Source: "recorded: pulumi/pulumi-azuredevops issue 68; MicrosoftDocs/vsts-rest-api-specs issue 441; body and headers not shown",
			Status: http.StatusUnauthorized,
		},
		"rate_limited_blocked": {
			Source: "recorded: microsoft/vscode issue 155632; status not shown, another than 429 assumed to be sure",
			Status: http.StatusForbidden,
			Body:   refusal("Request was blocked due to exceeding usage of resource 'Count' in namespace 'AnonymousId'.", server, "RequestBlockedException"),
		},
		"rate_limited_429": {
			Source: "documented: MicrosoftDocs/azure-devops-docs docs/integrate/concepts/rate-limits.md; values of headers not given",
			Status: http.StatusTooManyRequests,
			Header: map[string]string{
				"Content-Type": "text/plain", "Retry-After": "30", "X-RateLimit-Resource": "Count", "X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0",
			},
			Body: "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource <resource name> in namespace <namespace ID>.",
		},
		"projects_success": {
			Source: "documented: MicrosoftDocs/vsts-rest-api-specs core/7.1 httpExamples/projects/GET__projects.json",
			Status: http.StatusOK,
			Body: `{"count":2,"value":[{"id":"eb6e4656-77fc-42a1-9181-4c6d8e9da5d1","name":"Fabrikam-Fiber-TFVC","description":"Team Foundation Version Control projects.",
				"url":"https://dev.azure.com/contoso/_apis/projects/eb6e4656-77fc-42a1-9181-4c6d8e9da5d1","state":"wellFormed"},
				{"id":"6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c","name":"Fabrikam-Fiber-Git","state":"wellFormed"}]}`,
		},
		"profile_success": {
			Source: "documented: MicrosoftDocs/vsts-rest-api-specs profile/7.1; an answer to another question",
			Status: http.StatusOK,
			Body: `{"displayName":"Mia Example","publicAlias":"d6245f20-2af8-44f4-9451-8107cb2767db","emailAddress":"mia@example.com","coreRevision":1647,
				"timeStamp":"2014-05-12T22:23:07.727+00:00","id":"d6245f20-2af8-44f4-9451-8107cb2767db","revision":1647}`,
		},
		"server_wrong_pat_401": {
			Source: "recorded: microsoft/azure-pipelines-agent issue 996, a server; empty body",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Server": "Microsoft-IIS/10.0", "WWW-Authenticate": `Basic realm="https://devops.example.com/tfs", NTLM`, "X-Powered-By": "ASP.NET", "Lfs-Authenticate": "NTLM"},
		},
	}
}
