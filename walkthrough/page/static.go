package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
)

//go:embed static
var staticFiles embed.FS

// types are the static files that there are, and what they are.
var types = map[string]string{
	"page.css": "text/css; charset=utf-8",
	"page.js":  "text/javascript; charset=utf-8",
	"icon.svg": "image/svg+xml",
}

// version changes whenever style or script do: with it in the address, a browser
// may keep them.
var version = func() string {
	sum := sha256.New()
	for _, name := range []string{"page.css", "page.js"} {
		content, err := staticFiles.ReadFile(path.Join("static", name))
		if err != nil {
			panic(err) // it is built in
		}
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}()

func static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := staticFiles.ReadFile(path.Join("static", name))
	if err != nil || types[name] == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", types[name])
	if r.URL.Query().Get("v") == version {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	_, _ = w.Write(content) // the reader may have gone away
}
