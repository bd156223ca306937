// Package browser holds the walk's page against a real browser: Chromium without a
// window. Nothing here is linked into glasskv.
//
//	browser_test.go  the browser: started once, and what it complained about
//	site_test.go     the page it looks at: a real server, real requests
//	walk_test.go     a walk through a whole request, by mouse and by keyboard
//	steer_test.go    holds and faults, and what goes wrong
//	looks_test.go    what can be measured of the looks, in all of its settings
//	audit.js         the measuring, inside the page
//
// Run it with "go test ./scripts/browser -chromium"; without that flag it is skipped,
// with it there must be a Chromium. Pictures of the page are left in a folder of
// their own when -pictures names one.
package browser
