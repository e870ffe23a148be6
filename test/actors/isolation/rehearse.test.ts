import { expect, test } from "vitest";
import { preload } from "../../../src/actors/isolation/inside/preload.ts";
import { rehearse } from "../../../src/actors/isolation/inside/rehearse.ts";

test.each([false, true])("a made-up actor comes up, answers and ends; durable: %s", async (durable) => {
  expect(await rehearse(durable)).toBe(true);
});

test("nothing more is loaded ahead once something was asked for", async () => {
  let looks = 0;
  const isIdle = () => {
    looks += 1;
    return looks < 3;
  };
  await preload({ isIdle, typescript: true });
  expect(looks).toBe(3);
});
