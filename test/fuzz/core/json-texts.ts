// JSON as it can be written: numerals, escapes and keys on which readers are known to differ, and
// slips of the pen, after which it mostly is none.
import fc from "fast-check";

const NUMERALS = [
  ...["0", "-0", "0.0", "-0.0e5", "1", "1.0", "10e-1", "1E0", "1e+0", "0.1", "1e-7", "0.000001", "1e21"],
  ...["9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740991", "1e400", "-1e400"],
  ...[
    "5e-324",
    "2e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "123456789012345678901234567890",
  ],
  ...["0.1000000000000000055511151231257827", "4.35", "0.30000000000000004", "9007199254740991.5", "1e-400"],
];
const numeral = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NUMERALS) },
  { weight: 2, arbitrary: fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
);
const PIECES = [
  ...[
    "a",
    "b",
    "\\u0061",
    "\\ud83d",
    "\\ude00",
    "\u{1f600}",
    "\u{1f600}x",
    "\\n",
    "\\/",
    '\\"',
    "\\\\",
    "\u00e4",
    "\u2028",
  ],
  ...[
    "\\u0000",
    "\u007f",
    "~",
    "/",
    "\\uD800",
    "\\u00e4",
    "0",
    "01",
    "__proto__",
    "\\u005f_proto__",
    "\ufeff",
  ],
];
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((all) => `"${all.join("")}"`);
const space = fc.constantFrom("", "", "", " ", "\n", "\t\r");
export const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 4, arbitrary: numeral },
    { weight: 4, arbitrary: text },
    { weight: 1, arbitrary: fc.constantFrom("null", "true", "false") },
    { weight: 3, arbitrary: fc.array(tie("value"), { maxLength: 3 }).map((all) => `[${all.join(",")}]`) },
    {
      weight: 3,
      arbitrary: fc
        .array(fc.tuple(text, space, tie("value")), { maxLength: 3 })
        .map(
          (all) => `{${all.map(([name, between, each]) => `${name}${between}:${between}${each}`).join(",")}}`,
        ),
    },
  ) as fc.Arbitrary<string>,
}));

/** One character put in, taken out or changed: mostly no JSON any more. */
const slip = fc.record({
  at: fc.nat(200),
  piece: fc.constantFrom(
    "",
    ",",
    "0",
    "-",
    ".",
    "e",
    "+",
    '"',
    "\\",
    "]",
    "}",
    "\u0001",
    "\u00a0",
    "\ufeff",
    "/",
  ),
  cut: fc.nat(1),
});
type Slip = typeof slip extends fc.Arbitrary<infer T> ? T : never;
export const written = fc.record({
  part: value,
  /** The part stands in it twice. */
  again: fc.option(value, { nil: undefined, freq: 6 }),
  slips: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Slip[]>([]) },
    { weight: 1, arbitrary: fc.array(slip, { maxLength: 2 }) },
  ),
  space,
});
type Written = typeof written extends fc.Arbitrary<infer T> ? T : never;

export const payloadOf = ({ part, again, slips, space: between }: Written): string => {
  const whole = `${between}{"y":${part},"x":""${again === undefined ? "" : `,"y":${again}`}${between}}`;
  return slips.reduce((all, { at, piece, cut }) => {
    const from = at % (all.length + 1);
    return all.slice(0, from) + piece + all.slice(from + cut);
  }, whole);
};
