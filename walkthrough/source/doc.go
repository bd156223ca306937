// Package source cuts declarations out of upstream's source as it stands on the
// reader's own disk: in the module cache, or in vendor, at the version of the
// module that this binary was built with; the standard library in the Go
// release that built it. No upstream code is copied into GlassKV.
//
//	library.go  Library: from a symbol and an anchor to an Excerpt
//	places.go   where the module cache, vendor and the standard library are
//	module.go   which module, at which version, a package belongs to
//	files.go    the files of a package, read and parsed once
//	find.go     a symbol among a file's declarations
//	anchor.go   an anchor as it is written: "at call fileutil.Fdatasync"
//	search.go   the node that an anchor means
//	texts.go    how the things are written that anchors look for
//	mark.go     the lines that are marked for it
//	excerpt.go  Excerpt, its lines, and the part of them that fits a screen
//	tokens.go   lines as coloured tokens; tabs; the hash of the code
//	url.go      the same lines on the Web
//	calls.go    what a function calls
//	errors.go   what may be missing
//
// A symbol is an import path, a full stop, and "Func", "Type", "Type.Method" or
// "(*Type).Method": go.etcd.io/etcd/server/v3/storage/wal.(*WAL).sync. Constants and
// variables are found as well. Type parameters are left out.
package source
