// Package browser tests the walk's page in a real browser, Chromium without a window.
// Nothing here is linked into glasskv.
//
//	browser_test.go  the browser, and a real server with real requests for it to show
//	walk_test.go     a walk through a whole request, by mouse and by keyboard; holds and faults
//	looks_test.go    what can be measured of the page's looks, in each of its settings
//	audit.js         the script that measures, inside the page
//
// Run it with "go test ./scripts/browser -chromium". Without that flag the tests are
// skipped; with it, Chromium must be installed. If -pictures names a folder, pictures
// of the page are left there.
package browser
