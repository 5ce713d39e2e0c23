//! Event handler attributes.

/// Handlers that run without the reader clicking or typing: on load, on error, on animation, on
/// focus that `autofocus` gives, on the pointer merely passing is not among them.
const AUTOMATIC: &[&str] = &[
    "afterscriptexecute",
    "animationcancel",
    "animationend",
    "animationiteration",
    "animationstart",
    "beforeload",
    "beforematch",
    "beforescriptexecute",
    "begin",
    "bounce",
    "canplay",
    "canplaythrough",
    "contentvisibilityautostatechange",
    "durationchange",
    "end",
    "ended",
    "error",
    "finish",
    "focus",
    "focusin",
    "hashchange",
    "load",
    "loadeddata",
    "loadedmetadata",
    "loadend",
    "loadstart",
    "message",
    "pageshow",
    "play",
    "playing",
    "progress",
    "readystatechange",
    "repeat",
    "resize",
    "scroll",
    "scrollend",
    "securitypolicyviolation",
    "start",
    "stalled",
    "suspend",
    "timeupdate",
    "toggle",
    "transitioncancel",
    "transitionend",
    "transitionrun",
    "transitionstart",
    "unhandledrejection",
    "waiting",
    "webkitanimationend",
    "webkitanimationiteration",
    "webkitanimationstart",
    "webkittransitionend",
];

/// Handlers that need the reader to act.
const INTERACTIVE: &[&str] = &[
    "abort",
    "auxclick",
    "beforecopy",
    "beforecut",
    "beforeinput",
    "beforepaste",
    "beforetoggle",
    "beforeunload",
    "blur",
    "cancel",
    "change",
    "click",
    "close",
    "contextmenu",
    "copy",
    "cut",
    "dblclick",
    "drag",
    "dragend",
    "dragenter",
    "dragexit",
    "dragleave",
    "dragover",
    "dragstart",
    "drop",
    "focusout",
    "fullscreenchange",
    "gotpointercapture",
    "input",
    "invalid",
    "keydown",
    "keypress",
    "keyup",
    "lostpointercapture",
    "mousedown",
    "mouseenter",
    "mouseleave",
    "mousemove",
    "mouseout",
    "mouseover",
    "mouseup",
    "mousewheel",
    "pagehide",
    "paste",
    "pause",
    "pointercancel",
    "pointerdown",
    "pointerenter",
    "pointerleave",
    "pointermove",
    "pointerout",
    "pointerover",
    "pointerrawupdate",
    "pointerup",
    "popstate",
    "ratechange",
    "reset",
    "search",
    "seeked",
    "seeking",
    "select",
    "selectionchange",
    "selectstart",
    "submit",
    "touchcancel",
    "touchend",
    "touchmove",
    "touchstart",
    "unload",
    "volumechange",
    "wheel",
    "zoom",
];

/// Whether an attribute name is an event handler (browsers ignore unknown ones, sanitisers must
/// not rely on it, so every `on` + letters counts).
pub(crate) fn is_handler(name: &str) -> bool {
    name.strip_prefix("on")
        .is_some_and(|rest| rest.len() >= 3 && rest.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// Whether the handler runs by itself.
pub(crate) fn is_automatic(name: &str) -> bool {
    name.strip_prefix("on")
        .is_some_and(|rest| AUTOMATIC.contains(&rest))
}

/// Whether the name is a handler that browsers know.
fn is_known(name: &str) -> bool {
    name.strip_prefix("on")
        .is_some_and(|rest| AUTOMATIC.contains(&rest) || INTERACTIVE.contains(&rest))
}

/// Finds `onsomething=` in a value, with a known event name, at the beginning or after white
/// space, a quote, a slash or an angle bracket.
pub(crate) fn assignment_in(value: &str) -> Option<&str> {
    let bytes = value.as_bytes();
    for at in memchr::memmem::find_iter(bytes, b"=") {
        let name_end = bytes[..at]
            .iter()
            .rposition(|b| !b.is_ascii_whitespace())
            .map(|i| i + 1)?;
        let from = bytes[..name_end]
            .iter()
            .rposition(|b| !b.is_ascii_alphabetic())
            .map_or(0, |i| i + 1);
        if from > 0
            && !matches!(
                bytes[from - 1],
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'"' | b'\'' | b'/' | b'>' | b'`'
            )
        {
            continue;
        }
        let name = value.get(from..name_end)?;
        if name.len() <= 40 && is_known(&name.to_ascii_lowercase()) {
            return Some(&value[from..]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_handlers_hidden_in_values() {
        assert!(assignment_in("bar style=a onanimationstart = alert(1) x").is_some());
        assert!(assignment_in("onerror=x").is_some());
        assert!(assignment_in("=").is_none());
        for honest in [
            "https://x/?once=1&on=2",
            "come on = yes",
            "width=3",
            "/?a=1&onclick=2",
        ] {
            assert_eq!(assignment_in(honest), None, "{honest}");
        }
    }
}
