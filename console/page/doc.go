// Package page makes the pages of the console out of what it is given: templates, a style
// sheet, one script that only shows how long something takes, and the picture of the weeks to
// come. It asks nobody, keeps nothing, and shows no value of a secret field. Begin with
// [Pages.Render].
package page
