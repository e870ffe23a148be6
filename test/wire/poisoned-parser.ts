// Texts after which JSON.parse reads the keys of the next one wrong, and what that one says.
export const POISON = '{"~":0,"\\\\":0}';
export const POISONED = '{"~":0,"\\n":0}';
export const KEYS: readonly string[] = ["~", "\n"];

/** @throws when this V8 has no such fault: whoever is right then shows nothing, and the guard can go */
export function poisonParser(): void {
  for (let times = 0; times < 3; times += 1) JSON.parse(POISON);
  if (JSON.stringify(Object.keys(JSON.parse(POISONED))) === JSON.stringify(KEYS))
    throw new Error("JSON.parse is right about keys with escapes");
}
