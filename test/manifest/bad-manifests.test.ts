// One bad manifest for each rule, named after its mistake, and where it is told.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadManifests } from "../../src/manifest/load.ts";
import { type Problem, renderProblems } from "../../src/manifest/problem.ts";

const directory = join(import.meta.dirname, "fixtures", "bad");

/** `line:column CODE underlined text`, in order. */
const expected: Readonly<Record<string, readonly string[]>> = {
  "a-list-as-document": ["1:1 MANIFEST_INVALID_VALUE - apiVersion: cell0.dev/v1"],
  "actor-and-supervisor": ["6:7 MANIFEST_UNKNOWN_CHILD actor"],
  "anchor-and-alias": ["6:7 MANIFEST_ALIAS &base", "9:7 MANIFEST_ALIAS *base"],
  "backoff-factor-below-one": ["5:22 MANIFEST_INVALID_VALUE 0.5"],
  "backoff-max-below-initial": ["5:33 MANIFEST_BACKOFF_INVALID 1s"],
  "backoff-of-an-actor": ["8:37 MANIFEST_BACKOFF_INVALID 1s"],
  "behaviour-not-there": ["7:18 MANIFEST_BEHAVIOUR_NOT_FOUND ../dezk.js#triage"],
  "behaviour-of-unknown-kind": ["7:18 MANIFEST_INVALID_VALUE ../desk.py#triage"],
  "behaviour-without-export": ["7:18 MANIFEST_INVALID_VALUE ../desk.js"],
  "binary-tag": ["8:14 MANIFEST_ALIAS !!binary"],
  "capital-in-actor-name": ["6:14 MANIFEST_INVALID_VALUE Triage_Bot"],
  "capital-in-graph-name": ["3:19 MANIFEST_INVALID_VALUE Support"],
  "child-is-a-text": ["6:7 MANIFEST_UNKNOWN_CHILD triage"],
  "children-are-a-map": ["6:5 MANIFEST_INVALID_VALUE triage"],
  "client-grant-to-nobody": ["11:47 MANIFEST_GRANT_UNREACHABLE support/nobody-at-all"],
  "cost-of-seven-decimals": ["9:30 MANIFEST_INVALID_VALUE 0.0000001"],
  "custom-tag": ["8:14 MANIFEST_ALIAS !secret"],
  "duplicate-child": ["8:14 MANIFEST_DUPLICATE_NAME triage"],
  "duplicate-client": ["10:15 MANIFEST_DUPLICATE_NAME alice"],
  "duplicate-graph": ["11:19 MANIFEST_DUPLICATE_NAME support"],
  "duplicate-key": ["9:7 MANIFEST_DUPLICATE_KEY restart"],
  "durable-that-blocks": ["9:7 MANIFEST_INVALID_VALUE mailbox"],
  "durable-that-drops": ["9:7 MANIFEST_INVALID_VALUE mailbox"],
  "sync-of-a-volatile-actor": ["8:7 MANIFEST_INVALID_VALUE sync"],
  "passivate-of-a-volatile-actor": ["8:7 MANIFEST_INVALID_VALUE passivate"],
  "duration-too-long": ["8:17 MANIFEST_INVALID_VALUE 30d"],
  "duration-with-unknown-unit": ["8:17 MANIFEST_INVALID_VALUE 5sec"],
  "duration-without-unit": ["5:11 MANIFEST_INVALID_VALUE 5"],
  "grant-to-a-supervisor": ["9:47 MANIFEST_GRANT_UNREACHABLE support/drafting"],
  "grant-to-nobody": ["9:47 MANIFEST_GRANT_UNREACHABLE support/triag"],
  "grant-without-targets": ["9:46 MANIFEST_INVALID_VALUE []"],
  "intensity-below-zero": ["5:14 MANIFEST_INVALID_VALUE -1"],
  "intensity-not-whole": ["5:14 MANIFEST_INVALID_VALUE 1.5"],
  "intent-pattern-with-star-in-a-token": ["9:23 MANIFEST_INVALID_VALUE ticket.op*"],
  "intent-type-with-capital-as-key": ["9:9 MANIFEST_INVALID_VALUE Ticket.open"],
  "intent-type-with-slash": ["8:17 MANIFEST_INVALID_VALUE ticket/open"],
  "intents-are-a-text": ["8:16 MANIFEST_INVALID_VALUE ticket.open"],
  "limits-of-a-shared-actor": ["8:7 MANIFEST_INVALID_VALUE limits"],
  "limits-too-small": ["9:7 MANIFEST_INVALID_VALUE limits"],
  "sandbox-of-a-worker": ["9:7 MANIFEST_INVALID_VALUE sandbox"],
  "unknown-isolation": ["8:18 MANIFEST_INVALID_VALUE thread"],
  "list-as-key": ["8:16 MANIFEST_SYNTAX [a, b]"],
  "mailbox-without-room": ["8:25 MANIFEST_INVALID_VALUE 0"],
  "auto-shutdown-of-unknown-kind": ["5:17 MANIFEST_INVALID_VALUE any"],
  "dynamic-with-children": ["7:3 MANIFEST_INVALID_VALUE children"],
  "dynamic-without-template": ["7:17 MANIFEST_INVALID_VALUE simple_one_for_one"],
  "shutdown-of-unknown-kind": ["8:17 MANIFEST_INVALID_VALUE brutal-kill"],
  "significant-and-permanent": ["9:7 MANIFEST_INVALID_VALUE significant"],
  "significant-for-nobody": ["8:7 MANIFEST_INVALID_VALUE significant"],
  "template-behaviour-not-there": ["6:26 MANIFEST_BEHAVIOUR_NOT_FOUND ../nowhere.js#triage"],
  "template-under-another-strategy": ["6:3 MANIFEST_INVALID_VALUE template"],
  "template-with-a-name": ["6:15 MANIFEST_UNKNOWN_FIELD actor"],
  "many-mistakes-at-once": [
    "5:14 MANIFEST_INVALID_VALUE many",
    "6:11 MANIFEST_INVALID_VALUE 5",
    "9:18 MANIFEST_BEHAVIOUR_NOT_FOUND ../nowhere.js#triage",
    "10:16 MANIFEST_INVALID_VALUE allways",
    "13:48 MANIFEST_GRANT_UNREACHABLE support/rooter",
    "15:17 MANIFEST_INVALID_VALUE rest_for_all",
    "16:7 MANIFEST_UNKNOWN_FIELD childen",
    "19:25 MANIFEST_INVALID_VALUE lots",
    "21:15 MANIFEST_INVALID_VALUE Alice",
    "21:67 MANIFEST_GRANT_UNREACHABLE support/triag",
  ],
  "merge-key": ["8:7 MANIFEST_UNKNOWN_FIELD <<"],
  "missing-behaviour": ["6:7 MANIFEST_MISSING_FIELD actor"],
  "missing-client-name": ["9:7 MANIFEST_MISSING_FIELD grants"],
  "missing-colon": ["7:7 MANIFEST_SYNTAX behaviour ../desk.js#triage"],
  "missing-kind": ["1:1 MANIFEST_MISSING_FIELD apiVersion"],
  "missing-metadata": ["1:1 MANIFEST_MISSING_FIELD apiVersion"],
  "neither-actor-nor-supervisor": ["6:7 MANIFEST_UNKNOWN_CHILD aktor"],
  "nested-far-too-deep": ["8:7 MANIFEST_TOO_DEEP i"],
  "nested-too-deep": ["8:75 MANIFEST_TOO_DEEP [[[[[[[[[]]]]]]]]]"],
  "no-document": ["0:0 MANIFEST_NOT_FOUND"],
  "not-a-number": ["8:23 MANIFEST_INVALID_VALUE .nan"],
  "number-as-name": ["6:14 MANIFEST_INVALID_VALUE 7"],
  "number-too-long": ["8:25 MANIFEST_INVALID_VALUE 12345678901234567890"],
  "path-too-long": ["20:44 MANIFEST_PATH_TOO_LONG deep"],
  "payload-schema-file-not-there": ["9:24 MANIFEST_PAYLOAD_SCHEMA_INVALID payload"],
  "payload-schema-of-unknown-type": ["9:24 MANIFEST_PAYLOAD_SCHEMA_INVALID payload"],
  "period-of-zero": ["5:11 MANIFEST_INVALID_VALUE 0s"],
  "poison-without-deaths": ["8:25 MANIFEST_INVALID_VALUE 0"],
  "progress-too-short": ["8:17 MANIFEST_INVALID_VALUE 50ms"],
  "proto-key": ["8:16 MANIFEST_INVALID_VALUE __proto__"],
  "reserved-graph-name": ["3:19 MANIFEST_RESERVED_NAME kernel"],
  "spec-is-a-text": ["4:7 MANIFEST_INVALID_VALUE none"],
  "tab-as-indentation": ["6:1 MANIFEST_SYNTAX"],
  "target-pattern-with-double-star-inside": ["9:47 MANIFEST_INVALID_VALUE support/**/triage"],
  "too-many-documents": ["1:1 MANIFEST_TOO_LARGE -"],
  "two-fields-on-a-line": ["6:14 MANIFEST_SYNTAX t"],
  "unclosed-bracket": ["8:16 MANIFEST_SYNTAX {"],
  "unclosed-quote": ['8:14 MANIFEST_SYNTAX "'],
  "unknown-field-of-grant": ["9:13 MANIFEST_UNKNOWN_FIELD intent"],
  "unknown-field-of-intent-rule": ["9:24 MANIFEST_UNKNOWN_FIELD paylod"],
  "unknown-field-of-mailbox": ["8:18 MANIFEST_UNKNOWN_FIELD bounds"],
  "unknown-field-of-spec": ["5:3 MANIFEST_UNKNOWN_FIELD intensty"],
  "unknown-field": ["8:7 MANIFEST_UNKNOWN_FIELD mailbx"],
  "unknown-field-of-poison": ["8:17 MANIFEST_UNKNOWN_FIELD death"],
  "unknown-on-corruption": ["8:21 MANIFEST_INVALID_VALUE ignore"],
  "unknown-restart-type": ["8:16 MANIFEST_INVALID_VALUE permanant"],
  "unknown-strategy": ["5:13 MANIFEST_INVALID_VALUE one-for-one"],
  "unknown-when-full": ["8:28 MANIFEST_INVALID_VALUE drop-oldest"],
  "wrong-api-version": ["1:13 MANIFEST_INVALID_VALUE cell0.dev/v2"],
  "wrong-indentation": ["8:6 MANIFEST_SYNTAX r"],
  "wrong-kind": ["2:7 MANIFEST_INVALID_VALUE ActorGraf"],
  "yaml-1-1": ["1:1 MANIFEST_SYNTAX %"],
};

const names = readdirSync(directory)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.replace(/\.yaml$/, ""));

test("every bad manifest has its line in the table", () => {
  expect(Object.keys(expected).sort()).toEqual(names.sort());
});

test.each(Object.entries(expected))("%s is told at its place, and nothing else is", async (name, places) => {
  expect((await problemsOf(name)).map(placeOf)).toEqual(places);
});

test("each problem is shown with its line underlined, what was expected and the nearest word", async () => {
  const shown: string[] = [];
  for (const name of names.sort()) shown.push(renderProblems(await problemsOf(name)));
  await expect(`${shown.join("\n\n")}\n`).toMatchFileSnapshot(join(directory, "..", "bad.rendered.txt"));
});

async function problemsOf(name: string): Promise<readonly Problem[]> {
  const loaded = await loadManifests([`${name}.yaml`], { cwd: directory });
  if (loaded.ok) throw new Error(`${name} has no problem`);
  return loaded.error;
}

function placeOf({ line, column, endColumn, code, excerpt }: Problem): string {
  return `${line}:${column} ${code} ${excerpt.slice(column - 1, endColumn - 1)}`.trimEnd();
}
