//! The meaning of a task and an action.

use super::RoundcubeAction;

/// Aliases are those of mail/index.php:25-33 and
/// settings/index.php; POST tells a change from a look.
pub(super) fn action(task: &str, action: &str, method: &str) -> RoundcubeAction {
    use RoundcubeAction as A;
    let post = method == "POST";
    match (task, action) {
        ("login", _) => A::Login,
        ("logout", _) => A::Logout,
        (_, "login") => A::Login,
        (_, "keep-alive" | "refresh" | "check-recent" | "getunread" | "pagenav") => A::Poll,
        (_, "plugin.zipdownload.attachments") => A::ZipAttachments,
        (_, "plugin.zipdownload.messages") => A::ZipMessages,
        (_, "plugin.password-save") => A::PasswordChange,
        (_, "plugin.password") => A::PasswordPage,
        (_, "plugin.managesieve-save" | "plugin.managesieve-saveraw") => A::FiltersChange,
        (_, "plugin.managesieve-action") if post => A::FiltersPost,
        (_, "plugin.managesieve-vacation" | "plugin.managesieve-forward") if post => {
            A::FiltersChange
        }
        (_, name) if name.starts_with("plugin.managesieve") => A::Filters,
        (_, "plugin.acl") if post => A::FolderChange,
        (
            "mail",
            "plugin.move2archive" | "plugin.markasjunk.junk" | "plugin.markasjunk.not_junk",
        ) => A::Move,
        ("mail", "") if post => A::Send,
        ("mail", "") => A::MailPage,
        ("mail", "list") => A::List,
        ("mail", "search") => A::Search,
        ("mail", "show") => A::Show,
        ("mail", "preview") => A::Preview,
        ("mail", "print") => A::Print,
        ("mail", "headers") => A::Headers,
        ("mail", "get") => A::Get,
        ("mail", "viewsource") => A::Source,
        ("mail", "compose") => A::Compose,
        ("mail", "send") => A::Send,
        ("mail", "bounce") => A::Bounce,
        ("mail", "import") => A::Import,
        ("mail", "move") => A::Move,
        ("mail", "copy") => A::Copy,
        ("mail", "delete") => A::Delete,
        ("mail", "mark") => A::Mark,
        ("mail", "expunge" | "purge" | "folder-expunge" | "folder-purge") => A::Purge,
        (
            "mail",
            "upload" | "attachment-upload" | "display-attachment" | "attachment-display"
            | "remove-attachment" | "attachment-delete" | "rename-attachment" | "attachment-rename",
        ) => A::DraftAttachment,
        (
            "mail",
            "autocomplete" | "list-contacts" | "search-contacts" | "group-expand" | "list_contacts"
            | "search_contacts" | "group_expand",
        ) => A::ContactLookup,
        ("addressbook" | "contacts", "export") => A::ContactsExport,
        (
            "addressbook" | "contacts",
            "save" | "delete" | "copy" | "move" | "import" | "undo" | "group-create"
            | "group-rename" | "group-delete" | "group-addmembers" | "group-delmembers"
            | "upload-photo",
        ) => A::ContactsChange,
        ("addressbook" | "contacts", _) => A::Contacts,
        ("settings", "save-identity" | "identity-save" | "delete-identity" | "identity-delete") => {
            A::IdentityChange
        }
        (
            "settings",
            "identities" | "add-identity" | "edit-identity" | "identity-create" | "identity-edit",
        ) => A::Identities,
        ("settings", "save-prefs" | "prefs-save" | "save-pref") => A::PreferencesChange,
        ("utils", "save-pref") => A::PreferencesChange,
        (
            "settings",
            "save-folder" | "folder-save" | "delete-folder" | "folder-delete" | "rename-folder"
            | "folder-rename" | "subscribe" | "folder-subscribe" | "unsubscribe"
            | "folder-unsubscribe" | "purge" | "folder-purge",
        ) => A::FolderChange,
        ("settings", "upload") => A::SettingsUpload,
        ("settings", _) => A::Settings,
        _ => A::Other,
    }
}
