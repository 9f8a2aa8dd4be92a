package sei

import (
	"testing"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend"
)

func TestAnUpstreamCannotTurnARefusalIntoAnotherStatus(t *testing.T) {
	resp, err := refuse(logical.UpdateOperation, &backend.Error{Code: "identity_pinned", Message: consts.ErrOverloaded.Error()})
	status, _ := logical.RespondErrorCommon(&logical.Request{}, resp, err)
	assert.Equal(t, 400, status)
}
