package azuredevops

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/oauthclient"
)

// undecided is Microsoft's number of a grant that was not taken. Only the text beside it
// tells one that may be taken a moment later from one that has ended. Of a code it says that
// this is bad.
const undecided = 70000

// malformed is Microsoft's number of a request that cannot be read. It says that the grant in
// it is none of Microsoft's only as an invalid_grant.
const malformed = 9002313

// entraSignIn is what the text of an undecided refusal says where the grant has ended: "The
// user must sign in again." Without it the same token was seen to be taken a moment later.
const entraSignIn = "must sign in again"

// entraBlocks finds what Microsoft's numbers say of a refusal that somebody can take back,
// or that passes; the grant is as good as before.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
func entraBlocks(number int) oauthclient.Refusal {
	blocked := func(why string) oauthclient.Refusal {
		return oauthclient.Refusal{Outcome: providers.AccountBlocked, Why: why}
	}
	switch number {
	case 53000, 53001, 53002, 53003, 53004, 53009, 53010, 53011, 530003, 530021, 530031, 530032, 530033, 530034, 530035, 50005, 50097, 50129, 50131:
		return blocked("a policy of the tenant for conditional access blocks the sign-in; whoever administers it must allow Vault's address and the account")
	case 50057:
		return blocked("the account is disabled; whoever administers the tenant can enable it again")
	case 50053:
		return blocked("the account is locked after failed sign-ins; wait, or have it unlocked")
	case 50105:
		return blocked("the account is not assigned to the application; whoever administers the tenant must assign it")
	case 50033, 50196, 90006, 90012, 90024, 90025, 90033, 90036, 90055:
		return oauthclient.Refusal{Outcome: providers.UpstreamError, Why: "it has a fault of its own that passes; try again later"}
	}
	return oauthclient.Refusal{}
}

// entraEnds finds what the numbers say of a grant that is no good any more, whatever the
// code of RFC 6749 beside them is: most come as invalid_grant.
func entraEnds(number int) oauthclient.Refusal {
	switch number {
	case 65001, 65004, 90094, 90095:
		return oauthclient.ConsentMissing()
	case 50055, 50144:
		return oauthclient.Missing(providers.ReasonPasswordExpired, "the password of the account has expired; the person must change it and sign in again")
	case 70043, 70044:
		return oauthclient.Missing(providers.ReasonLifetimeOver, "a policy of the tenant for conditional access bounds how long a sign-in lasts, and that is over; the person must sign in again, and whoever administers the tenant can allow more")
	case 50058, 50072, 50074, 50076, 50078, 50079, 50085, 50125, 50158, 16000, 700020:
		return oauthclient.SignInNeeded()
	case 70008, 700082:
		return oauthclient.Ended(providers.ReasonUnused, "it has expired because nobody used it for too long; leave health checks on, which use it")
	case 700081:
		return oauthclient.Ended(providers.ReasonLifetimeOver, "the longest that a consent may last here is over; if that is too short, have whoever administers the tenant look at how the application is registered, and at its policies")
	case 700084:
		return oauthclient.Ended(providers.ReasonLifetimeOver, "it was issued for a single-page application, where it ends after a day; have redirect_uri registered for the platform Web")
	case 50132, 50133, 50173:
		return oauthclient.Ended(providers.ReasonRevoked, "it was revoked, as when the password of the account changes or an administrator ends its sessions")
	case 50034, 51004, 500341:
		return oauthclient.Ended(providers.ReasonAccountGone, "the tenant does not have the account any more; consent with one that it has")
	case 50148, 50089, 54005, 501481, malformed: // of a code, or none of Microsoft's
		return oauthclient.Refusal{Outcome: providers.Rejected}
	}
	return oauthclient.Refusal{}
}

// entraUndecided tells what the text beside that number says.
func entraUndecided(said oauthclient.TokenRefusal) oauthclient.Refusal {
	if strings.Contains(strings.ToLower(said.Description), entraSignIn) {
		return oauthclient.Ended(providers.ReasonSignInNeeded, "it has expired, and the person must sign in again")
	}
	return oauthclient.Refusal{
		Outcome: providers.AccountBlocked, Passes: true,
		Why: "it does not take the grant now and tells no lasting reason; it is asked again later, and if this stays, a person must consent again, with oauth/authorize/",
	}
}

// entraUnknown is no verdict on a refresh token: the reason may be one that somebody can take
// back. The number itself is told, so that it can be looked up; no link is, because chats are
// told of it, too.
func entraUnknown(number int) oauthclient.Refusal {
	return oauthclient.Refusal{
		Outcome: providers.AccountBlocked, Passes: true,
		Why: fmt.Sprintf("its reason has the number %d, which is not known here; look it up in Microsoft's list of the error codes of Entra, do what it says there, and if the grant has ended, have a person consent again, with oauth/authorize/", number),
	}
}

// entraSuberror finds what the word says that stands beside the numbers. It counts only where
// there are none: it is the same for many of them.
func entraSuberror(word string) oauthclient.Refusal {
	switch word {
	case "message_only", "additional_action":
		return entraBlocks(53003)
	case "consent_required":
		return oauthclient.ConsentMissing()
	case "user_password_expired":
		return entraEnds(50055)
	case "basic_action", "token_expired":
		return oauthclient.SignInNeeded()
	}
	return oauthclient.Refusal{}
}

// entraRefused knows the reasons of Microsoft Entra. Where several stand in an answer, one
// that blocks outweighs others, and the undecided one counts only alone.
func entraRefused(said oauthclient.TokenRefusal) oauthclient.Refusal {
	numbers := entraNumbers(said)
	if len(numbers) == 0 {
		return entraSuberror(said.Suberror)
	}
	var found oauthclient.Refusal
	for _, number := range numbers {
		if number == malformed && said.Error != "invalid_grant" {
			continue
		}
		r := entraBlocks(number)
		if r.Outcome == providers.AccountBlocked {
			return r
		}
		if r.Outcome == "" {
			r = entraEnds(number)
		}
		if found.Outcome == "" {
			found = r
		}
	}
	switch {
	case found.Outcome != "":
		return found
	case slices.Contains(numbers, undecided):
		return entraUndecided(said)
	case slices.Contains([]string{"invalid_grant", "interaction_required", "login_required"}, said.Error):
		return entraUnknown(numbers[0])
	}
	return oauthclient.Refusal{}
}

var entraNumber = regexp.MustCompile(`AADSTS([0-9]{4,8})`)

// entraNumbers are those of error_codes, or where they are left out, those of the text.
func entraNumbers(said oauthclient.TokenRefusal) []int {
	var numbers []int
	var codes []json.Number // which may stand in quotes
	if json.Unmarshal(said.Codes, &codes) == nil {
		for _, code := range codes {
			if n, err := strconv.Atoi(code.String()); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	if len(numbers) > 0 {
		return numbers
	}
	for _, match := range entraNumber.FindAllStringSubmatch(said.Description, -1) {
		n, _ := strconv.Atoi(match[1]) // at most eight digits
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
