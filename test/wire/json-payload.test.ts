import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/wire/json-keys.ts";
import { readJsonPayload } from "../../src/wire/json-payload.ts";

const keysOf = (text: string): readonly string[] => {
  const read = readJsonPayload(new TextEncoder().encode(text));
  return read.ok ? Object.keys(Object(read.value)) : [read.why];
};

describe("a payload reads the same, whatever was read before", () => {
  test.for<[before: string, text: string, keys: readonly string[]]>([
    ['{"~":0,"\\\\":0}', '{"~":0,"\\n":0}', ["~", "\n"]],
    ['{"~":0,"\\\\":0}', '{"~":0,"\\u0061":0}', ["~", "a"]],
    ['{"q":0,"a\\\\b":0}', '{"q":0,"a\\bX":0}', ["q", "a\bX"]],
    ['{"v":0,"x\\\\u0061":0}', '{"v":0,"x\\u0061bcdef":0}', ["v", "xabcdef"]],
  ])("%s, then %s", ([before, text, keys]) => {
    for (let times = 0; times < 3; times += 1) JSON.parse(before);
    for (let times = 0; times < 3; times += 1) keysOf(before);
    expect(keysOf(text)).toEqual(keys);
  });
});

describe("keys with escapes", () => {
  test.for<[text: string, value: unknown]>([
    ['{"\\u0061":1,"a":2}', { a: 2 }],
    ['{"a":2,"\\u0061":1}', { a: 1 }],
    ['{"\\n":1,"\\u000a":2}', { "\n": 2 }],
    ['{"\\u0030":1,"0":2}', { 0: 2 }],
    ['{"a" : {"\\"" \n:"x\\\\:"}, "b":["\\n"]}', { a: { '"': "x\\:" }, b: ["\n"] }],
    ['{"\\u005f_proto__":1,"\\ud800":2}', { "\ud800": 2 }],
    ['[{"\\\\":[{"\\t":null}]}]', [{ "\\": [{ "\t": null }] }]],
  ])("%s", ([text, value]) => {
    expect(readJsonPayload(new TextEncoder().encode(text))).toEqual({ ok: true, value });
  });

  test.for(['{"\\x":1}', '{"\\u12":1}', '{"a\\', '"\\n":1', '{"\\n"\u00a0:1}', '{"\\n":}'])(
    "%s is no JSON",
    (text) => {
      expect(readJsonPayload(new TextEncoder().encode(text))).toMatchObject({ ok: false });
    },
  );

  test("are read however deep they are", () => {
    const depth = 50_000;
    let value = parseJson(`${"[".repeat(depth)}{"\\n":1,"a":2}${"]".repeat(depth)}`);
    while (Array.isArray(value)) [value] = value;
    expect(Object.entries(Object(value))).toEqual([
      ["\n", 1],
      ["a", 2],
    ]);
  });

  test("change nothing of what is read", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "0", '"', "\\", "\n", "\ud83d", "\ude00", "~") });
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        name,
        fc.integer(),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(name, tie("value")),
      ),
    }));
    fc.assert(
      fc.property(value, (each) => {
        expect(parseJson(JSON.stringify(each))).toEqual(each);
      }),
      { seed: 20_261_129 },
    );
  });
});
