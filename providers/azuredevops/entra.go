package azuredevops

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/oauthclient"
)

// passing is Microsoft's number of a grant that was not taken for a reason that it does
// not tell, and that may be gone a moment later. Of a code it says that this is bad.
const passing = 70000

// entraReason finds what Microsoft's numbers say of a refusal, whatever the code of RFC
// 6749 beside them is: most come as invalid_grant.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
func entraReason(number int) oauthclient.Refusal {
	switch number {
	case 53000, 53001, 53002, 53003, 53004, 53009, 53010, 53011, 530021, 530031, 530032, 530033, 530034, 530035, 50005, 50097, 50129, 50131:
		return oauthclient.Refusal{Outcome: providers.AccountBlocked, Why: "a policy of the tenant for conditional access blocks the sign-in; whoever administers it must allow Vault's address and the account"}
	case 50057:
		return oauthclient.Refusal{Outcome: providers.AccountBlocked, Why: "the account is disabled; whoever administers the tenant can enable it again"}
	case 50053:
		return oauthclient.Refusal{Outcome: providers.AccountBlocked, Why: "the account is locked after failed sign-ins; wait, or have it unlocked"}
	case 50105:
		return oauthclient.Refusal{Outcome: providers.AccountBlocked, Why: "the account is not assigned to the application; whoever administers the tenant must assign it"}
	case passing:
		return oauthclient.Refusal{Outcome: providers.AccountBlocked, Why: "it does not take the grant now and tells no lasting reason; it is asked again later", Passes: true}
	case 65001, 65004:
		return oauthclient.Refusal{Outcome: providers.Rejected, Why: oauthclient.NoConsent}
	case 50055:
		return oauthclient.Refusal{Outcome: providers.Rejected, Why: "the password of the account has expired; the person must change it and sign in again"}
	case 50072, 50074, 50076, 50078, 50079, 50158, 70043, 50058, 16000:
		return oauthclient.Refusal{Outcome: providers.Rejected, Why: oauthclient.SignInAgain}
	case 50132, 50133, 50173, 70008, 700082, 700084, 9002313: // ended, revoked, or none of Microsoft's
		return oauthclient.Refusal{Outcome: providers.Rejected}
	case 50196, 90006, 90012, 90025, 90033, 90036, 90055:
		return oauthclient.Refusal{Outcome: providers.UpstreamError, Why: "it has a fault of its own that passes; try again later"}
	}
	return oauthclient.Refusal{}
}

// entraSuberror is entraReason for the word that stands beside the numbers.
func entraSuberror(word string) oauthclient.Refusal {
	switch word {
	case "message_only", "additional_action":
		return entraReason(53003)
	case "consent_required":
		return entraReason(65001)
	case "user_password_expired":
		return entraReason(50055)
	case "basic_action":
		return entraReason(50076)
	}
	return oauthclient.Refusal{}
}

// entraRefused knows the reasons of Microsoft Entra. Where several stand in an answer, one
// that blocks outweighs others, and the passing one counts only alone.
func entraRefused(said oauthclient.TokenRefusal) oauthclient.Refusal {
	var found oauthclient.Refusal
	numbers := entraNumbers(said)
	for _, number := range numbers {
		r := entraReason(number)
		if number == passing && len(numbers) > 1 {
			continue
		}
		if r.Outcome == providers.AccountBlocked {
			return r
		}
		if found.Outcome == "" {
			found = r
		}
	}
	if found.Outcome == "" {
		return entraSuberror(said.Suberror)
	}
	return found
}

var entraNumber = regexp.MustCompile(`AADSTS([0-9]{4,8})`)

// entraNumbers are those of error_codes, or where they are left out, those of the text.
func entraNumbers(said oauthclient.TokenRefusal) []int {
	var numbers []int
	if json.Unmarshal(said.Codes, &numbers) == nil && len(numbers) > 0 {
		return numbers
	}
	numbers = nil
	for _, match := range entraNumber.FindAllStringSubmatch(said.Description, -1) {
		n, _ := strconv.Atoi(match[1]) // at most eight digits
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
