// Package docs holds what of these pages a node serves by itself: the description of its HTTP API, so that a client finds that of the
// release it talks to. Its test is in the package that has the routes.
package docs

import _ "embed" // of the file below

// OpenAPI is openapi.yaml, the HTTP API as OpenAPI 3.0.
//
//go:embed openapi.yaml
var OpenAPI string
