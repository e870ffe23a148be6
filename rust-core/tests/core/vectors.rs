//! The rows of `test/vectors/ed25519.csv`, which other verifiers are tested against too.

use bytes::Bytes;
use cell0_core::cofactorless;
use cell0_core::signature::{Check, Verdict, verify, verify_many};

const ROWS: &str = include_str!("../../../test/vectors/ed25519.csv");

struct Row {
    name: String,
    verdict: &'static str,
    check: Check,
}

fn bytes(hex: &str) -> Bytes {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn rows() -> Vec<Row> {
    ROWS.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&'static str> = line.split(',').collect();
            Row {
                name: format!("{} {}", cells[0], cells[1]),
                verdict: cells[2],
                check: Check {
                    public_key: bytes(cells[3]),
                    signature: bytes(cells[4]),
                    message: bytes(cells[5]),
                },
            }
        })
        .collect()
}

#[test]
fn every_row_is_judged_by_the_rule_alone_and_in_a_batch() {
    let rows = rows();
    assert_eq!(rows.len(), 1273);
    let checks: Vec<Check> = rows.iter().map(|row| row.check.clone()).collect();
    for (row, together) in rows.iter().zip(verify_many(&checks)) {
        let alone = verify(&row.check);
        assert_eq!(alone, together, "{}", row.name);
        match row.verdict {
            "valid" => assert_eq!(alone, Verdict::Valid, "{}", row.name),
            "small-order-key" => assert_eq!(alone, Verdict::SmallOrderKey, "{}", row.name),
            _ => assert_ne!(alone, Verdict::Valid, "{}", row.name),
        }
    }
}

/// As many as a node's quick verifier accepts, by docs/signatures.md.
const WITHOUT_COFACTOR: usize = 132;

#[test]
fn what_is_valid_without_the_cofactor_is_valid_by_the_rule() {
    let accepted = rows().into_iter().filter(|row| {
        let Check {
            public_key,
            message,
            signature,
        } = &row.check;
        let is_valid = match (
            public_key.as_ref().try_into(),
            signature.as_ref().try_into(),
        ) {
            (Ok(key), Ok(signature)) => cofactorless::verify(key, message, signature),
            _ => false,
        };
        assert!(!is_valid || row.verdict == "valid", "{}", row.name);
        is_valid
    });
    assert_eq!(accepted.count(), WITHOUT_COFACTOR);
}
