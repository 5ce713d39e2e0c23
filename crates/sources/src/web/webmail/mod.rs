//! What a web request asked Roundcube to do.
//!
//! Read off Roundcube 1.6.5 (Debian 12); places are cited as `file:line` of its
//! `program/actions/`. Requests carry their parameters in the URL or, for what the browser POSTs,
//! in the body, which no access log has: a POST says what was done, mostly not to what.

mod action;
mod decode;
#[cfg(test)]
mod tests;

pub use decode::{percent_decode, roundcube_request};

use std::borrow::Cow;

/// A request to Roundcube, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundcubeRequest<'a> {
    /// `_task`: "mail", "settings", "addressbook", "login", "logout", "utils"; "mail" if absent.
    pub task: Cow<'a, str>,
    /// `_action` as Roundcube reads it, `""` if absent.
    pub action_name: Cow<'a, str>,
    /// What the two ask for.
    pub action: RoundcubeAction,
    /// `_uid`, `_forward_uid`, `_reply_uid` or `_draft_uid`.
    pub uids: Vec<Uid>,
    /// `_uid=*`: all messages of the folder, or of the search result.
    pub all_uids: bool,
    /// `_mbox`: folder name as IMAP has it (modified UTF-7), `""` if absent: then the folder is
    /// the one last opened in the session (mail/index.php:181-185).
    pub mailbox: Cow<'a, str>,
    /// `_part`: MIME part number ("2", "1.2").
    pub part: Cow<'a, str>,
    /// How a part or a source was asked for.
    pub how: Part,
    /// `_q`: what was searched for.
    pub query: Cow<'a, str>,
    /// `_headers`: where ("subject,from", "text", "body"); `""` means the defaults.
    pub search_in: Cow<'a, str>,
    /// `_scope`: "base" (this folder), "sub", "all".
    pub scope: Cow<'a, str>,
    /// `_filter`: an IMAP search key such as "UNSEEN"; "ALL" if none.
    pub filter: Cow<'a, str>,
    /// `_page` of a list.
    pub page: Option<u32>,
    /// `_remote=1`: called by script, answered in JSON.
    pub ajax: bool,
    /// `_from` as sent: CVE-2025-49113 and CVE-2017-16651 show in it.
    pub from: Cow<'a, str>,
    /// The URL names no action: [`Self::action`] follows from the page that the form stands on,
    /// which the referrer names. Most forms of the settings are sent so.
    pub inferred: bool,
}

/// One `_uid`: a message, a range of them, or a message inside a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uid {
    /// The UID, or the first of a range.
    pub first: u32,
    /// The last of a range; the same as `first` for a single message.
    pub last: u32,
    /// `12.2`: the message/rfc822 part that was opened as a message (mail/show.php:48), or `""`.
    pub inner: String,
    /// The folder, where the UID names it (`12-Sent`, results of a search over folders), or `""`.
    pub mailbox: String,
}

/// Modifiers of `get` and `viewsource`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// `_download=1`: sent as an attachment, to be saved (mail/get.php:282).
    pub download: bool,
    /// `_embed=1`: sent for display inside a page (mail/get.php:134).
    pub embed: bool,
    /// `_thumb=1`: an image scaled down (mail/get.php:91).
    pub thumb: bool,
    /// `_frame=1`: the page around the part, with its name, type and size only (mail/get.php:60).
    pub frame: bool,
    /// `_framed=1`: the answer stands in a frame of the page; says nothing about its content.
    pub framed: bool,
    /// `_preload=1`: a page that sends the browser on to `_embed=1` (mail/get.php:38-52).
    pub preload: bool,
    /// `_mimewarning=1`.
    pub mimewarning: bool,
    /// `_nocheck=1`: "show anyway" (mail/get.php:134, 206).
    pub nocheck: bool,
    /// `_save=1`: the source as an .eml file (mail/viewsource.php:56).
    pub save: bool,
    /// `_safe=1`: remote content was allowed.
    pub safe: bool,
    /// `_extwin=1`: in a window of its own.
    pub extwin: bool,
    /// `_file` or `_id`: an attachment of a message being written, not one of the mailbox
    /// (include/rcmail_attachment_handler.php:52-53).
    pub of_draft: bool,
}

/// What a request asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoundcubeAction {
    /// The log-in page (GET), or an attempt (POST to `_task=login`; answered 302 on success
    /// (index.php:153), 401 on failure (index.php:262; 200 before 1.5)).
    Login,
    /// `_task=logout`.
    Logout,
    /// The page of the mail task; messages come with the `list` that its script sends.
    MailPage,
    /// `list`: sender, subject, date, size of a page of messages.
    List,
    /// `search`: the same of the hits.
    Search,
    /// `show`: a message on a page of its own.
    Show,
    /// `preview`: a message in the reading pane; the same code as `show` (mail/index.php:25).
    Preview,
    /// `print`: a message for the printer; the same code too.
    Print,
    /// `headers`: all header fields of a message (mail/headers.php:47).
    Headers,
    /// `get`: a part; [`Part`] says how.
    Get,
    /// `viewsource`: the whole message as it is stored.
    Source,
    /// `plugin.zipdownload.attachments`: all attachments of a message in a ZIP file.
    ZipAttachments,
    /// `plugin.zipdownload.messages`: the selected messages in a ZIP file; the selection is in
    /// the body of the POST.
    ZipMessages,
    /// `compose` with a message to answer, to forward or to go on writing: its text is in the
    /// page. Without one: a new message.
    Compose,
    /// A message was sent, or saved as a draft: the body tells which. The form is sent to
    /// `?_task=mail&_unlock=…&_framed=1`, its `_action=send` is in the body
    /// (include/rcmail_sendmail.php:1294, js/app.js:4816).
    Send,
    /// `bounce`: a message was sent on unchanged ("resend").
    Bounce,
    /// `import`: messages were uploaded into a folder.
    Import,
    /// `move`, `plugin.move2archive`, junk buttons.
    Move,
    /// `copy`.
    Copy,
    /// `delete`.
    Delete,
    /// `mark`: flags.
    Mark,
    /// `expunge`, `purge`: messages of a folder removed for good.
    Purge,
    /// Attachments of a message being written: upload, display, removal.
    DraftAttachment,
    /// What the page's script asks by itself: refresh, check-recent, getunread, keep-alive,
    /// pagenav, plugin polling.
    Poll,
    /// Names from address books: autocomplete, list-contacts, search-contacts, group-expand.
    ContactLookup,
    /// The address book: lists, searches, cards.
    Contacts,
    /// `export` of an address book.
    ContactsExport,
    /// Changes to an address book.
    ContactsChange,
    /// Sieve filters were looked at.
    Filters,
    /// Sieve filters were posted to (`plugin.managesieve-action`): listed, reordered, switched or
    /// deleted; `_act` in the body tells which (plugins/managesieve/managesieve.js:126-616).
    FiltersPost,
    /// Sieve filters were changed: a filter saved, or a forwarding or vacation by POST.
    FiltersChange,
    /// The password form.
    PasswordPage,
    /// `plugin.password-save`.
    PasswordChange,
    /// Identities were looked at.
    Identities,
    /// `save-identity`, `identity-save`, deletion: reply-to and bcc are set here.
    IdentityChange,
    /// Folders and their access rights were changed (`plugin.acl`).
    FolderChange,
    /// Preferences were saved.
    PreferencesChange,
    /// `upload` in the settings: the door of CVE-2025-49113.
    SettingsUpload,
    /// Other pages of the settings.
    Settings,
    /// Anything else.
    Other,
}

/// What an answer shows if it was successful and complete.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reveals {
    /// Nothing of a message.
    Nothing,
    /// Sender, subject, date and size of several messages.
    List,
    /// Header fields, or name, type and size of a part.
    Headers,
    /// A picture scaled down.
    Thumbnail,
    /// The text of a message, as a page.
    Body,
    /// One part, whole.
    Part,
    /// The message as stored, whole.
    Source,
    /// Several parts or messages, packed.
    Bundle,
}

impl RoundcubeRequest<'_> {
    /// What the answer shows. Whether it was sent, the status and the bytes of the record tell.
    pub fn reveals(&self) -> Reveals {
        match self.action {
            RoundcubeAction::List | RoundcubeAction::Search => Reveals::List,
            RoundcubeAction::Show | RoundcubeAction::Preview | RoundcubeAction::Print
                if self.names_messages() =>
            {
                Reveals::Body
            }
            RoundcubeAction::Compose if self.names_messages() => Reveals::Body,
            RoundcubeAction::Headers => Reveals::Headers,
            RoundcubeAction::Source => Reveals::Source,
            RoundcubeAction::ZipAttachments | RoundcubeAction::ZipMessages => Reveals::Bundle,
            RoundcubeAction::Get if self.how.of_draft || self.how.preload => Reveals::Nothing,
            RoundcubeAction::Get if self.how.frame => Reveals::Headers,
            RoundcubeAction::Get if self.how.thumb => Reveals::Thumbnail,
            RoundcubeAction::Get => Reveals::Part,
            _ => Reveals::Nothing,
        }
    }

    /// Whether the browser was told to save the answer as a file.
    pub fn saves(&self) -> bool {
        match self.action {
            RoundcubeAction::Get => self.how.download && !self.how.frame && !self.how.preload,
            RoundcubeAction::Source => self.how.save,
            RoundcubeAction::ZipAttachments | RoundcubeAction::ZipMessages => true,
            _ => false,
        }
    }

    /// Whether the URL names messages.
    pub fn names_messages(&self) -> bool {
        self.all_uids || !self.uids.is_empty()
    }
}
