package stages

import (
	"fmt"

	"upi/results"
)

// roles says what the attacks of a kind are in a comparison.
var roles = map[string]results.Role{
	"none":      results.RoleNothing,
	"random":    results.RoleRandom,
	"sgd_uap":   results.RoleBaseline,
	"upi_pca":   results.RoleMethod,
	"upi_plus":  results.RoleMethod,
	"upi_grad":  results.RoleMethod,
	"per_image": results.RoleUpper,
}

// attackRole returns what the attacks of a kind are in a comparison.
func attackRole(kind string) (results.Role, error) {
	role, ok := roles[kind]
	if !ok {
		return "", fmt.Errorf("attack of kind %q has no role in the tables", kind)
	}
	return role, nil
}
