// Package seamtest has what the tests of several rooms of the seams share.
package seamtest
