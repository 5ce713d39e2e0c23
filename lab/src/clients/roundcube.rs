//! What a browser asks of Roundcube 1.6 when a person clicks: pages, AJAX calls and assets.
//!
//! The URLs follow `program/js/app.js` and the plugins' scripts of that version.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};

use super::http::{Agent, Http, Reply, encode};
use super::zip;
use crate::daemons::WEBMAIL;

const CAPS: &str = "pdf%3D1%2Cflash%3D0%2Ctiff%3D0%2Cwebp%3D1%2Cpgpmime%3D0";

/// Assets of the log-in page and of the mail view (Debian's layout of Roundcube 1.6.5).
const ASSETS: &[&str] = &[
    "/skins/elastic/deps/bootstrap.min.css?s=1716107237",
    "/skins/elastic/styles/styles.min.css?s=1716107237",
    "/plugins/jqueryui/themes/elastic/jquery-ui.min.css?s=1716107237",
    "/program/js/jquery.min.js?s=1716107237",
    "/program/js/common.min.js?s=1716107237",
    "/program/js/app.min.js?s=1716107237",
    "/program/js/jstz.min.js?s=1716107237",
    "/skins/elastic/deps/bootstrap.bundle.min.js?s=1716107237",
    "/skins/elastic/ui.min.js?s=1716107237",
    "/skins/elastic/images/logo.svg?s=1716107237",
];

/// A browser logged in to Roundcube.
pub struct Webmail {
    /// The browser below.
    pub http: Http,
    token: String,
    serial: i64,
}

/// A listed message: the number in `add_message_row` and, in search results over several mailboxes,
/// the mailbox.
pub type Row = u32;

impl Webmail {
    /// Opens the log-in page; `with_assets` also loads style sheets and scripts, as a browser
    /// without a cache does.
    pub fn open(source: IpAddr, agent: Agent, with_assets: bool, now_ms: i64) -> Result<Webmail> {
        let mut http = Http::new(source, WEBMAIL, agent);
        let page = http.get("/", &[])?.text();
        let token = between(&page, "name=\"_token\" value=\"", "\"")
            .context("Roundcube's log-in page has no token")?
            .to_owned();
        if with_assets {
            for asset in ASSETS {
                http.get(asset, &[("Referer", &referer(""))])?;
            }
        }
        Ok(Webmail {
            http,
            token,
            serial: now_ms,
        })
    }

    /// Sends the log-in form; false when the password is refused.
    pub fn login(&mut self, user: &str, password: &str) -> Result<bool> {
        let token = self.token.clone();
        let reply = self.http.post(
            "/?_task=login",
            &[
                ("Origin", &format!("http://{WEBMAIL}")),
                ("Referer", &referer("")),
            ],
            &[
                ("_token", &token),
                ("_task", "login"),
                ("_action", "login"),
                ("_timezone", "Europe/Paris"),
                ("_url", ""),
                ("_user", user),
                ("_pass", password),
            ],
        )?;
        if reply.status != 302 {
            return Ok(false);
        }
        let to = reply.header("location").unwrap_or_default().to_owned();
        let to = to.strip_prefix('.').unwrap_or(&to).to_owned();
        let page = self.http.get(&to, &[("Referer", &referer("/"))])?.text();
        self.token = between(&page, "\"request_token\":\"", "\"")
            .context("Roundcube's mail page has no token")?
            .to_owned();
        Ok(true)
    }

    fn ajax(&mut self, query: &str) -> Result<String> {
        self.serial += 1013;
        let path = format!("/?{query}&_remote=1&_unlock=loading{0}&_={0}", self.serial);
        let token = self.token.clone();
        let reply = self.http.get(
            &path,
            &[
                ("X-Requested-With", "XMLHttpRequest"),
                ("X-Roundcube-Request", &token),
                ("Referer", &referer("/?_task=mail")),
            ],
        )?;
        if reply.status != 200 || !reply.text().starts_with('{') {
            bail!("Roundcube answered {} to {query}", reply.status);
        }
        Ok(reply.text())
    }

    fn page(&mut self, query: &str) -> Result<Reply> {
        let reply = self.http.get(
            &format!("/?{query}"),
            &[("Referer", &referer("/?_task=mail"))],
        )?;
        if reply.status != 200 {
            bail!("Roundcube answered {} to {query}", reply.status);
        }
        Ok(reply)
    }

    /// Lists a page of a mailbox, newest first.
    pub fn list(&mut self, mailbox: &str, page: u32) -> Result<Vec<Row>> {
        let page = if page > 1 {
            page.to_string()
        } else {
            String::new()
        };
        let text = self.ajax(&format!(
            "_task=mail&_action=list&_layout=widescreen&_mbox={}&_page={page}",
            encode(mailbox)
        ))?;
        Ok(rows(&text))
    }

    /// Asks whether there is new mail, as the page does every minute.
    pub fn refresh(&mut self, mailbox: &str) -> Result<()> {
        self.ajax(&format!(
            "_task=mail&_action=refresh&_mbox={}&_list=1&_folderlist=1",
            encode(mailbox)
        ))
        .map(|_| ())
    }

    /// Searches; `headers` is what the search menu ticks (`subject,from` or `text`).
    pub fn search(
        &mut self,
        mailbox: &str,
        words: &str,
        headers: &str,
        scope: &str,
    ) -> Result<Vec<Row>> {
        let text = self.ajax(&format!(
            "_task=mail&_action=search&_interval=&_q={}&_headers={}&_layout=widescreen&_filter=ALL&_scope={scope}&_mbox={}",
            encode(words),
            encode(headers),
            encode(mailbox)
        ))?;
        Ok(rows(&text))
    }

    /// Shows a message in the preview pane.
    pub fn preview(&mut self, mailbox: &str, uid: u32) -> Result<Reply> {
        self.page(&format!(
            "_task=mail&_caps={CAPS}&_uid={uid}&_mbox={}&_framed=1&_action=preview",
            encode(mailbox)
        ))
    }

    /// Opens a message on a page of its own.
    pub fn show(&mut self, mailbox: &str, uid: u32) -> Result<Reply> {
        self.page(&format!(
            "_task=mail&_caps={CAPS}&_uid={uid}&_mbox={}&_action=show",
            encode(mailbox)
        ))
    }

    /// The path under which an attachment is saved.
    pub fn download_path(&self, mailbox: &str, uid: u32, part: &str) -> String {
        format!(
            "/?_task=mail&_mbox={}&_uid={uid}&_part={part}&_action=get&_download=1&_token={}",
            encode(mailbox),
            self.token
        )
    }

    /// Saves an attachment.
    pub fn download(&mut self, mailbox: &str, uid: u32, part: &str) -> Result<Reply> {
        let path = self.download_path(mailbox, uid, part);
        self.page(path.trim_start_matches("/?"))
    }

    /// Opens an attachment in the browser: the frame around it, then the embedded part itself.
    pub fn open_part(&mut self, mailbox: &str, uid: u32, part: &str) -> Result<Reply> {
        let mailbox = encode(mailbox);
        self.page(&format!(
            "_task=mail&_mbox={mailbox}&_uid={uid}&_part={part}&_frame=1&_action=get&_extwin=1"
        ))?;
        self.page(&format!(
            "_task=mail&_mbox={mailbox}&_uid={uid}&_part={part}&_action=get&_extwin=1&_embed=1&_mimewarning=1"
        ))
    }

    /// The path under which a message's source is saved.
    pub fn eml_path(&self, mailbox: &str, uid: u32) -> String {
        format!(
            "/?_task=mail&_uid={uid}&_mbox={}&_action=viewsource&_save=1&_token={}",
            encode(mailbox),
            self.token
        )
    }

    /// Saves a message as `.eml`.
    pub fn save_eml(&mut self, mailbox: &str, uid: u32) -> Result<Reply> {
        let path = self.eml_path(mailbox, uid);
        self.page(path.trim_start_matches("/?"))
    }

    /// Saves all attachments of a message in one archive.
    pub fn zip_attachments(&mut self, mailbox: &str, uid: u32) -> Result<(Vec<zip::Member>, u64)> {
        let query = format!(
            "_task=mail&_action=plugin.zipdownload.attachments&_mbox={}&_uid={uid}&_token={}",
            encode(mailbox),
            self.token
        );
        let reply = self.page(&query)?;
        let members = zip::members(&reply.body).context("zipdownload sent no archive")?;
        Ok((members, reply.body.len() as u64))
    }

    /// Saves several messages in one archive, one `.eml` each.
    pub fn zip_messages(&mut self, mailbox: &str, uids: &[u32]) -> Result<(Vec<zip::Member>, u64)> {
        let token = self.token.clone();
        let numbers: Vec<String> = uids.iter().map(u32::to_string).collect();
        let mut form: Vec<(&str, &str)> = vec![("_mbox", mailbox)];
        let name = if uids.len() > 1 { "_uid[]" } else { "_uid" };
        form.extend(numbers.iter().map(|n| (name, n.as_str())));
        form.extend([("_mode", "maildir"), ("_token", token.as_str())]);
        let reply = self.http.post(
            "/?_task=mail&_action=plugin.zipdownload.messages",
            &[("Referer", &referer("/?_task=mail"))],
            &form,
        )?;
        let members = zip::members(&reply.body)
            .with_context(|| format!("zipdownload sent no archive, but status {}", reply.status))?;
        Ok((members, reply.body.len() as u64))
    }

    /// Writes a message and sends it.
    pub fn send(&mut self, to: &str, subject: &str, text: &str) -> Result<()> {
        let first = self.http.get(
            "/?_task=mail&_action=compose",
            &[("Referer", &referer("/?_task=mail"))],
        )?;
        let to_page = first.header("location").unwrap_or_default().to_owned();
        let page = self
            .http
            .get(to_page.strip_prefix('.').unwrap_or(&to_page), &[])?
            .text();
        let id = between(&page, "name=\"_id\" value=\"", "\"")
            .context("the compose page has no id")?
            .to_owned();
        let from = page
            .find("name=\"_from\"")
            .and_then(|i| page.get(i..))
            .and_then(|rest| between(rest, "value=\"", "\""))
            .context("the compose page has no sender")?
            .to_owned();
        let token = self.token.clone();
        let reply = self.http.post(
            "/?_task=mail&_unlock=loading1&_framed=1&_lang=undefined",
            &[("Referer", &referer("/?_task=mail&_action=compose"))],
            &[
                ("_token", &token),
                ("_task", "mail"),
                ("_action", "send"),
                ("_id", &id),
                ("_attachments", ""),
                ("_from", &from),
                ("_to", to),
                ("_cc", ""),
                ("_bcc", ""),
                ("_subject", subject),
                ("editorSelector", "plain"),
                ("_priority", "0"),
                ("_store_target", "Sent"),
                ("_draft_saveid", ""),
                ("_draft", ""),
                ("_is_html", "0"),
                ("_framed", "1"),
                ("_message", text),
            ],
        )?;
        if !reply.text().contains("sent_successfully") {
            bail!("Roundcube did not send the message: {}", snippet(&reply));
        }
        Ok(())
    }

    /// Changes the password with the `password` plugin; false when it is refused.
    pub fn change_password(&mut self, old: &str, new: &str) -> Result<bool> {
        self.page("_task=settings")?;
        self.page("_task=settings&_action=plugin.password")?;
        let token = self.token.clone();
        let reply = self.http.post(
            "/?_task=settings&_action=plugin.password-save",
            &[(
                "Referer",
                &referer("/?_task=settings&_action=plugin.password"),
            )],
            &[
                ("_token", &token),
                ("_curpasswd", old),
                ("_newpasswd", new),
                ("_confpasswd", new),
            ],
        )?;
        Ok(reply.text().contains("confirmation"))
    }

    /// Adds a filter with the `managesieve` plugin that sends a copy of all mail to an address.
    pub fn add_redirect(&mut self, name: &str, target: &str, keep: bool) -> Result<()> {
        self.page("_task=settings")?;
        self.page("_task=settings&_action=plugin.managesieve")?;
        self.page("_task=settings&_action=plugin.managesieve-action&_framed=1&_nav=hide&_fid=")?;
        let token = self.token.clone();
        let kind = if keep { "redirect_copy" } else { "redirect" };
        let reply = self.http.post(
            "/?_task=settings&_action=plugin.managesieve-save",
            &[(
                "Referer",
                &referer("/?_task=settings&_action=plugin.managesieve-action&_framed=1"),
            )],
            &[
                ("_token", &token),
                ("_task", "settings"),
                ("_action", "plugin.managesieve-save"),
                ("_framed", "1"),
                ("_fid", ""),
                ("_name", name),
                ("_enabled", "1"),
                ("_join", "any"),
                ("_action_type[0]", kind),
                ("_action_target[0]", target),
            ],
        )?;
        let text = reply.text();
        if !text.contains("managesieve_updatelist") && !text.contains("confirmation") {
            bail!("Roundcube did not save the filter: {}", snippet(&reply));
        }
        Ok(())
    }

    /// Looks at the settings without changing anything.
    pub fn settings(&mut self) -> Result<()> {
        self.page("_task=settings")?;
        self.page("_task=settings&_action=preferences")?;
        self.page("_task=settings&_action=identities")?;
        Ok(())
    }

    /// Logs out; returns all octets received.
    pub fn logout(mut self) -> Result<u64> {
        let query = format!("_task=logout&_token={}", self.token);
        self.page(&query)?;
        self.http.hang_up();
        Ok(self.http.received())
    }
}

/// What the page's script would tell the user, for error messages.
fn snippet(reply: &Reply) -> String {
    let text = reply.text();
    match between(&text, "display_message(", ")") {
        Some(message) => message.to_owned(),
        None => format!("status {}, {} octets", reply.status, reply.body.len()),
    }
}

fn referer(path: &str) -> String {
    format!("http://{WEBMAIL}{path}")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let rest = text.get(start..)?;
    rest.get(..rest.find(after)?)
}

/// The UIDs in `add_message_row(UID,…)` calls of an AJAX answer.
fn rows(json: &str) -> Vec<Row> {
    json.match_indices("add_message_row(")
        .filter_map(|(i, call)| {
            let digits: String = json
                .get(i + call.len()..)?
                .trim_start_matches(['\\', '"'])
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            digits.parse().ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_lists_and_searches_are_found() {
        assert_eq!(
            rows(
                r#"{"exec":"this.add_message_row(12,{},{},false);\nthis.add_message_row(\"9-INBOX\",{})"}"#
            ),
            [12, 9]
        );
        assert_eq!(
            between("a name=\"_token\" value=\"xyz\"", "value=\"", "\""),
            Some("xyz")
        );
    }
}
