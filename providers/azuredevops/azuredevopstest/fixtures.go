package azuredevopstest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// AzureAnswers are answers that a check of Azure DevOps can meet, by name.
// People, organisations and ids are dummies.
func AzureAnswers() map[string]providertest.Answer {
	html := map[string]string{"Content-Type": "text/html; charset=utf-8", "Location": "https://app.vssps.visualstudio.com/_signin"}
	refusal := func(message, assembly, key string) string {
		return `{"$id":"1","innerException":null,"message":"` + message + `","typeName":"` + assembly + key + `, x","typeKey":"` + key + `","errorCode":0,"eventId":3000}`
	}
	const (
		server       = "Microsoft.TeamFoundation.Framework.Server."
		azureProcess = "7684c2a2-7a9b-4fb0-a8b3-8eeada50c3cb"
		mark         = "\uFEFF"
	)
	user := `{"id":"ad7ddcd2-0562-665d-84ce-f024d9266741","descriptor":"Microsoft.IdentityModel.Claims.ClaimsIdentity;7cfe4c9f-829b-4857-89f9-dfa21e53e1d9\\mia@example.com",
		"subjectDescriptor":"aad.YWQ3ZGRjZDItMDU2Mi03NjVkLTg0Y2UtZjAyNGQ5MjY2NzQx","providerDisplayName":"Mia Example","isActive":true,
		"properties":{"Account":{"$type":"System.String","$value":"mia@example.com"}},"resourceVersion":2,"metaTypeId":0}`
	return map[string]providertest.Answer{
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
				"WWW-Authenticate": `Basic realm="https://tfs.app.visualstudio.com/", Bearer, TFS-Federated`, "Server": "Microsoft-IIS/10.0", "X-TFS-ProcessId": azureProcess,
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
		"signin_page_203_blanks": {
			Source: "recorded: AZDOPS tests of InvokeADOPSRestMethod; same form in MicrosoftDocs/vsts-rest-api-specs issues 97 and 574",
			Status: http.StatusNonAuthoritativeInfo, Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
			Body: "<html><head><title>\r\n\r\n            Azure DevOps Services | Sign In\r\n\r\n</title></head><body>",
		},
		"bearer_refused_401": {
			Source: "recorded: wardyn adofake, measured in 2026; begins with a byte order mark",
			Status: http.StatusUnauthorized,
			Header: map[string]string{
				"Content-Type": "application/json", "WWW-Authenticate": "Bearer",
				"X-TFS-ServiceError": "TF400813%3A%20The%20user%20is%20not%20authorized%20to%20access%20this%20resource.%20",
			},
			Body: mark + refusal("TF400813: The user is not authorized to access this resource. ", server, "InvalidIdentityException"),
		},
		"no_member_401": {
			Source: "recorded: gitkraken/vscode-gitlens issue 5890; id replaced",
			Status: http.StatusUnauthorized, Header: map[string]string{"WWW-Authenticate": "TFS-Federated, Bearer"},
			Body: refusal("TF400813: The user 'fb80544b-3a07-6095-8fcc-5e895f9d39c4' is not authorized to access this resource.", server, "UnauthorizedRequestException"),
		},
		"nobody_401": {
			Source: "documented: the anonymous account of connection_data_anonymous in the form of no_member_401",
			Status: http.StatusUnauthorized, Header: map[string]string{"WWW-Authenticate": "TFS-Federated, Bearer"},
			Body: refusal("TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.", server, "UnauthorizedRequestException"),
		},
		"global_token_401": {
			Source: "recorded: gitkraken/vscode-gitlens issue 5890; only the header tells the reason",
			Status: http.StatusUnauthorized,
			Header: map[string]string{
				"Content-Type": "text/html", "WWW-Authenticate": `Basic realm="https://tfsprodwus21.app.visualstudio.com/"`,
				"X-TFS-ServiceError": "The%20organization's%20security%20policy%20prohibits%20access%20by%20global%20Personal%20Access%20Token%20(PAT)%20unless%20you%20are%20on%20an%20allowlist.%20Contact%20your%20organization%20administrator%20to%20be%20included%20on%20the%20allowlist.",
			},
			Body: "<!DOCTYPE html ><html><head><title>The organization&#39;s security policy prohibits access</title></head></html>",
		},
		"conditional_access_403_html": {
			Source: "from a client's test: AdoErrorBodySummaryTests, of a real page",
			Status: http.StatusForbidden, Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
			Body: "<!DOCTYPE html>\n<html><head><title>VS403463: The conditional access policy defined by your Microsoft Entra administrator has failed.</title></head><body></body></html>",
		},
		"conditional_access_403": {
			Source: "reported: the answer to a push with a token from outside the named locations; status 403 by others",
			Status: http.StatusForbidden,
			Body: refusal("VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed.",
				"Microsoft.VisualStudio.Services.Common.", "VssServiceException"),
		},
		"organization_deactivated_503": {
			Source: "recorded: azure-devops-cli-extension test_devops_team_createUpdateShowListDeleteListMember.yaml; begins with a byte order mark",
			Status: http.StatusServiceUnavailable,
			Header: map[string]string{
				"Content-Type": "application/json", "X-TFS-ProcessId": azureProcess,
				"X-TFS-ServiceError": "TF24668%3A%20The%20following%20team%20project%20collection%20is%20stopped%3A%20ORG.%20Start%20the%20collection%20and%20then%20try%20again.",
			},
			Body: mark + refusal("TF24668: The following team project collection is stopped: ORG. Start the collection and then try again. Administrator Reason: This Azure DevOps organization has been deactivated due to inactivity.",
				"Microsoft.VisualStudio.Services.Common.", "VssServiceException"),
		},
		"controller_not_found_404_text": {
			Source: "recorded: azure-devops-cli-extension test_workItemCreateShowUpdateDelete.yaml; plain text",
			Status: http.StatusNotFound,
			Header: map[string]string{
				"Content-Type": "text/plain; charset=utf-8", "X-TFS-ProcessId": azureProcess,
				"X-TFS-ServiceError": "The%20controller%20for%20path%20%27%2FWeb%2F_apis%2Fwit%2FworkItems%2F0%27%20was%20not%20found%20or%20does%20not%20implement%20IController.",
			},
			Body: "The controller for path '/Web/_apis/wit/workItems/0' was not found or does not implement IController.",
		},
		"project_does_not_exist_404": {
			Source: "recorded: azure-devops-cli-extension test_workItemCreateShowUpdateDelete.yaml",
			Status: http.StatusNotFound, Header: map[string]string{"X-TFS-ProcessId": azureProcess},
			Body: refusal("TF200016: The following project does not exist: Web. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.",
				"Microsoft.TeamFoundation.Core.WebApi.", "ProjectDoesNotExistWithNameException"),
		},
		"error_improper_form": {
			Source: "from a client's code: microsoft/azure-devops-go-api v7 UnwrapError; status not shown, 403 assumed",
			Status: http.StatusForbidden,
			Body:   `{"count":1,"value":{"Message":"TF400813: The user 'USER' is not authorized to access this resource."}}`,
		},
		"projects_success_recorded": {
			Source: "recorded: azure-devops-cli-extension test_devops_projects_CreateListShowDelete.yaml; names replaced",
			Status: http.StatusOK, Header: map[string]string{"X-TFS-ProcessId": azureProcess},
			Body: `{"count":2,"value":[{"id":"038b46ac-29b9-4062-af82-87b52e73d7a9","name":"Project0","state":"wellFormed","revision":12,"visibility":"organization"},
				{"id":"9492dc92-7b1c-4753-b74f-7a5b882ca576","name":"Project1","state":"wellFormed","revision":28,"visibility":"organization"}]}`,
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
			Source: "recorded: pulumi/pulumi-azuredevops issue 68; MicrosoftDocs/vsts-rest-api-specs issue 441; body and headers not shown: those that wardyn adofake measured in 2026",
			Status: http.StatusUnauthorized,
			Header: map[string]string{"Content-Type": "", "WWW-Authenticate": `Basic realm="https://tfsprodcus14.visualstudio.com/"`},
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
			Header: map[string]string{"Server": "Microsoft-IIS/10.0", "WWW-Authenticate": `Basic realm="https://devops.example.com/tfs", NTLM`, "X-Powered-By": "ASP.NET", "Lfs-Authenticate": "NTLM", "X-TFS-ProcessId": azureProcess},
		},
	}
}
