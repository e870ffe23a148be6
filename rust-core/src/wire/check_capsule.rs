//! The rules of capsule.proto, field by field. The first one that is broken is named.

use super::capsule::{Capsule, CapsuleFault, PAYLOAD_BYTES_MAX, Reply, Source, WireError};
use super::names::{is_actor_path, is_inbox, is_intent_type};
use super::{SAFE_INTEGER_MAX, utf16_length};

const ID_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
const CAPABILITY_BYTES_MAX: usize = 12 * 1024;
const HOPS_MAX: u32 = 64;
const CONTENT_TYPE_BYTES_MAX: usize = 128;
const TRACESTATE_BYTES_MAX: usize = 512;
const ERROR_CODE_BYTES_MAX: usize = 64;
/// UTF-16 units.
const ERROR_TEXT_MAX: usize = 1024;

/// The first rule that a capsule breaks; its priority is judged by who decodes it.
///
/// # Errors
/// That rule.
pub(super) fn check(capsule: &Capsule<'_>) -> Result<(), CapsuleFault> {
    if capsule.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(CapsuleFault::PayloadTooLarge);
    }
    let broken = broken_id(capsule)
        .or_else(|| broken_name(capsule))
        .or_else(|| broken_number(capsule))
        .or_else(|| broken_capability(capsule))
        .or_else(|| broken_trace(capsule))
        .or_else(|| capsule.source.as_ref().and_then(broken_source))
        .or_else(|| capsule.reply.as_ref().and_then(broken_reply));
    broken.map_or(Ok(()), |field| Err(CapsuleFault::Field(field)))
}

type Broken = Option<&'static str>;

/// The field, unless what is asked of it holds.
fn unless(holds: bool, field: &'static str) -> Broken {
    (!holds).then_some(field)
}

fn broken_id(
    Capsule {
        id,
        root_id,
        cause_id,
        ..
    }: &Capsule<'_>,
) -> Broken {
    let is_root = cause_id.is_empty();
    unless(
        id.len() == ID_BYTES && id.iter().any(|byte| *byte != 0),
        "id",
    )
    .or_else(|| unless(root_id.len() == ID_BYTES, "root_id"))
    .or_else(|| unless(is_root || cause_id.len() == ID_BYTES, "cause_id"))
    .or_else(|| unless(!is_root || root_id == id, "root_id"))
    .or_else(|| unless(cause_id != id, "cause_id"))
}

fn broken_name(capsule: &Capsule<'_>) -> Broken {
    let Capsule {
        target,
        intent,
        content_type,
        reply_inbox,
        ..
    } = capsule;
    let addresses = match capsule.reply {
        None => unless(is_actor_path(target), "target").or_else(|| {
            unless(
                reply_inbox.is_empty() || is_inbox(reply_inbox),
                "reply_inbox",
            )
        }),
        Some(_) => unless(is_inbox(target), "target")
            .or_else(|| unless(reply_inbox.is_empty(), "reply_inbox")),
    };
    addresses
        .or_else(|| unless(is_intent_type(intent), "intent"))
        .or_else(|| {
            unless(
                is_printable(content_type, CONTENT_TYPE_BYTES_MAX),
                "content_type",
            )
        })
}

fn broken_number(capsule: &Capsule<'_>) -> Broken {
    let is_time = |unix_ms| (1..=SAFE_INTEGER_MAX).contains(&unix_ms);
    unless(capsule.hop_limit <= HOPS_MAX, "hop_limit")
        .or_else(|| unless(is_time(capsule.issued_at.0), "issued_at"))
        .or_else(|| unless(is_time(capsule.deadline_unix_ms), "deadline_unix_ms"))
        .or_else(|| unless(capsule.epoch <= SAFE_INTEGER_MAX, "epoch"))
}

fn broken_capability(
    Capsule {
        capability, reply, ..
    }: &Capsule<'_>,
) -> Broken {
    let is_within = capability.len() <= CAPABILITY_BYTES_MAX;
    unless(
        is_within && (capability.is_empty() || reply.is_none()),
        "capability",
    )
}

fn broken_trace(
    Capsule {
        traceparent,
        tracestate,
        ..
    }: &Capsule<'_>,
) -> Broken {
    let has_trace = !traceparent.is_empty();
    unless(
        !has_trace || is_traceparent(traceparent),
        "trace.traceparent",
    )
    .or_else(|| {
        unless(
            is_printable(tracestate, TRACESTATE_BYTES_MAX),
            "trace.tracestate",
        )
    })
    .or_else(|| unless(has_trace || tracestate.is_empty(), "trace.tracestate"))
}

/// W3C Trace Context, version 00; ids that are all zero are not valid.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str, length| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.len() == length && part.bytes().all(is_digit)
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    match text.split('-').collect::<Vec<_>>()[..] {
        ["00", trace, span, flags] => is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2),
        _ => false,
    }
}

fn broken_source(
    Source {
        actor,
        incarnation,
        sequence,
    }: &Source<'_>,
) -> Broken {
    let (term, activation) = incarnation.unwrap_or_default();
    unless(is_actor_path(actor), "source.actor")
        .or_else(|| unless(*sequence <= SAFE_INTEGER_MAX, "source.sequence"))
        .or_else(|| unless(term <= SAFE_INTEGER_MAX, "source.incarnation.term"))
        .or_else(|| {
            unless(
                activation <= SAFE_INTEGER_MAX,
                "source.incarnation.activation",
            )
        })
}

fn broken_reply(reply: &Reply<'_>) -> Broken {
    let is_unread = reply.request_id.is_empty() && reply.error.is_some();
    unless(
        reply.request_id.len() == ID_BYTES || is_unread,
        "reply.request_id",
    )
    .or_else(|| unless(reply.request_hash.len() == HASH_BYTES, "reply.request_hash"))
    .or_else(|| {
        unless(
            reply.turned_away == 0 || reply.error.is_some(),
            "reply.turned_away",
        )
    })
    .or_else(|| unless(reply.is_final || reply.error.is_none(), "reply.final"))
    .or_else(|| reply.error.as_ref().and_then(broken_error))
}

fn broken_error(
    WireError {
        code,
        message,
        remedy,
    }: &WireError<'_>,
) -> Broken {
    let is_of_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_code = code.len() <= ERROR_CODE_BYTES_MAX
        && code.starts_with(|first: char| first.is_ascii_uppercase())
        && code.bytes().all(is_of_code);
    unless(is_code, "reply.error.code")
        .or_else(|| {
            unless(
                utf16_length(message) <= ERROR_TEXT_MAX,
                "reply.error.message",
            )
        })
        .or_else(|| unless(utf16_length(remedy) <= ERROR_TEXT_MAX, "reply.error.remedy"))
}

/// ASCII without control characters.
fn is_printable(text: &str, bytes_max: usize) -> bool {
    text.len() <= bytes_max && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}
