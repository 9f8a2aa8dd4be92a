// Package notify tells people and programs of what happens to credentials: it posts
// messages to targets, which are webhooks of chats or of programs.
//
// It is level-triggered. Of each target is stored what it was last told of each
// integration. What is so is compared with that, at every change and every minute; where
// they differ, and the status has held for a while, it is told, and then stored as told. So
// a crash, a lost leader or a receiver that is away loses nothing: the receiver hears what
// is so once it can. What is about to be sent is stored before, as sending: the node that takes
// over after a crash sends the same message with the same id, or, if it is no longer so,
// tells what is so now.
//
// It touches what is stored below notify/ and notified/, and nothing else of the mount: what
// is so it learns from the [Subjects] that it is given, and it sends by a [providers.Poster].
//
// Begin with [Notifier], which runs a mailbox for each [Target]; compare.go decides what
// there is to tell, and touches nothing.
package notify
