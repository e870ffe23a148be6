//! The protobuf of a capsule, field by field.

use super::capsule::{Capsule, Reply, Source, WireError};
use super::fields::{Fields, FormFault, set};

/// A capsule as it stands, and the number of its priority: nothing of it is checked.
pub(super) fn decode(bytes: &[u8]) -> Result<(Capsule<'_>, u32), FormFault> {
    let (mut id, mut root_id, mut cause_id, mut hop_limit) = (None, None, None, None);
    let (mut target, mut intent, mut content_type, mut payload) = (None, None, None, None);
    let (mut issued_at, mut deadline, mut priority, mut epoch) = (None, None, None, None);
    let (mut capability, mut trace, mut reply_inbox) = (None, None, None);
    let (mut source, mut reply) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut id, field.bytes()?)?,
            2 => set(&mut root_id, field.bytes()?)?,
            3 => set(&mut cause_id, field.bytes()?)?,
            4 => set(&mut hop_limit, field.u32()?)?,
            5 => set(&mut target, field.text()?)?,
            6 => set(&mut intent, field.text()?)?,
            7 => set(&mut content_type, field.text()?)?,
            8 => set(&mut payload, field.bytes()?)?,
            9 => set(&mut issued_at, read_time(field.bytes()?)?)?,
            10 => set(&mut deadline, field.u64()?)?,
            11 => set(&mut priority, field.u32()?)?,
            12 => set(&mut epoch, field.u64()?)?,
            13 => set(&mut capability, field.bytes()?)?,
            14 => set(&mut trace, read_trace(field.bytes()?)?)?,
            15 => set(&mut reply_inbox, field.text()?)?,
            16 => set(&mut source, read_source(field.bytes()?)?)?,
            17 => set(&mut reply, read_reply(field.bytes()?)?)?,
            _ => field.unknown()?,
        }
    }
    let (traceparent, tracestate) = trace.unwrap_or_default();
    let capsule = Capsule {
        id: id.unwrap_or_default(),
        root_id: root_id.unwrap_or_default(),
        cause_id: cause_id.unwrap_or_default(),
        hop_limit: hop_limit.unwrap_or_default(),
        target: target.unwrap_or_default(),
        intent: intent.unwrap_or_default(),
        content_type: content_type.unwrap_or_default(),
        payload: payload.unwrap_or_default(),
        issued_at: issued_at.unwrap_or_default(),
        deadline_unix_ms: deadline.unwrap_or_default(),
        epoch: epoch.unwrap_or_default(),
        capability: capability.unwrap_or_default(),
        traceparent,
        tracestate,
        reply_inbox: reply_inbox.unwrap_or_default(),
        source,
        reply,
    };
    Ok((capsule, priority.unwrap_or_default()))
}

fn read_time(bytes: &[u8]) -> Result<(u64, u32), FormFault> {
    let (mut unix_ms, mut counter) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut unix_ms, field.u64()?)?,
            2 => set(&mut counter, field.u32()?)?,
            _ => field.unknown()?,
        }
    }
    Ok((unix_ms.unwrap_or_default(), counter.unwrap_or_default()))
}

fn read_trace(bytes: &[u8]) -> Result<(&str, &str), FormFault> {
    let (mut parent, mut state) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut parent, field.text()?)?,
            2 => set(&mut state, field.text()?)?,
            _ => field.unknown()?,
        }
    }
    Ok((parent.unwrap_or_default(), state.unwrap_or_default()))
}

fn read_source(bytes: &[u8]) -> Result<Source<'_>, FormFault> {
    let (mut actor, mut incarnation, mut sequence) = (None, None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut actor, field.text()?)?,
            2 => set(&mut incarnation, read_incarnation(field.bytes()?)?)?,
            3 => set(&mut sequence, field.u64()?)?,
            _ => field.unknown()?,
        }
    }
    Ok(Source {
        actor: actor.unwrap_or_default(),
        incarnation,
        sequence: sequence.unwrap_or_default(),
    })
}

fn read_incarnation(bytes: &[u8]) -> Result<(u64, u64), FormFault> {
    let (mut term, mut activation) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut term, field.u64()?)?,
            2 => set(&mut activation, field.u64()?)?,
            _ => field.unknown()?,
        }
    }
    Ok((term.unwrap_or_default(), activation.unwrap_or_default()))
}

fn read_reply(bytes: &[u8]) -> Result<Reply<'_>, FormFault> {
    let (mut request_id, mut request_hash, mut index) = (None, None, None);
    let (mut is_final, mut error, mut turned_away) = (None, None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut request_id, field.bytes()?)?,
            2 => set(&mut request_hash, field.bytes()?)?,
            3 => set(&mut index, field.u32()?)?,
            4 => set(&mut is_final, field.flag()?)?,
            5 => set(&mut error, read_error(field.bytes()?)?)?,
            6 => set(&mut turned_away, field.u32()?)?,
            _ => field.unknown()?,
        }
    }
    Ok(Reply {
        request_id: request_id.unwrap_or_default(),
        request_hash: request_hash.unwrap_or_default(),
        is_final: is_final.unwrap_or_default(),
        error,
        turned_away: turned_away.unwrap_or_default(),
    })
}

fn read_error(bytes: &[u8]) -> Result<WireError<'_>, FormFault> {
    let (mut code, mut message, mut remedy) = (None, None, None);
    let (mut retryable, mut retry_after_ms) = (None, None);
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut code, field.text()?)?,
            2 => set(&mut message, field.text()?)?,
            3 => set(&mut remedy, field.text()?)?,
            4 => set(&mut retryable, field.flag()?)?,
            5 => set(&mut retry_after_ms, field.u32()?)?,
            _ => field.unknown()?,
        }
    }
    Ok(WireError {
        code: code.unwrap_or_default(),
        message: message.unwrap_or_default(),
        remedy: remedy.unwrap_or_default(),
    })
}
