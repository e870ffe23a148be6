// Patterns of one argument of a program: characters, classes, `.`, `\d`, `\w` and
// quantifiers, always of the whole argument. No groups and no alternatives: what
// is matched comes from an agent, so time must be linear in its length (states are
// followed side by side, Thompson 1968), where a backtracking engine's is not.

type Accepts = (point: number) => boolean;
type Step = { readonly accepts: Accepts; readonly kind: "one" | "optional" | "any" };

export type ArgumentPattern = {
  readonly steps: readonly Step[];
  /** Whether it says itself that the argument begins with a dash. */
  readonly dashed: boolean;
};

/** Steps after counted quantifiers are written out. */
const MAX_STEPS = 1024;
const META = "\\.[](){}*+?|^$";
const DASH = 0x2d;

/** Undefined when the text is no such pattern. */
export function parseArgumentPattern(text: string): ArgumentPattern | undefined {
  const points = Array.from(text);
  const steps: Step[] = [];
  let at = 0;
  while (at < points.length) {
    const atom = readAtom(points, at);
    if (atom === undefined) return undefined;
    const quantifier = readQuantifier(points, atom.next);
    if (quantifier === undefined) return undefined;
    const { least, most } = quantifier;
    if (steps.length + Math.max(least, most ?? least + 1) > MAX_STEPS) return undefined;
    for (let count = 0; count < least; count += 1) steps.push({ accepts: atom.accepts, kind: "one" });
    if (most === undefined) steps.push({ accepts: atom.accepts, kind: "any" });
    for (let count = least; count < (most ?? least); count += 1) {
      steps.push({ accepts: atom.accepts, kind: "optional" });
    }
    at = quantifier.next;
  }
  const [first] = steps;
  const dashed = first?.kind === "one" && points[0] === "-" && first.accepts(DASH);
  return { steps, dashed };
}

/**
 * An argument that begins with a dash is an option to most programs: it matches only a
 * pattern that begins with one.
 */
export function matchesArgument({ steps, dashed }: ArgumentPattern, argument: string): boolean {
  if (argument.startsWith("-") && !dashed) return false;
  let active = follow(steps, [0]);
  for (const character of argument) {
    const point = character.codePointAt(0) ?? 0;
    const next: number[] = [];
    for (const at of active) {
      const step = steps[at];
      if (step?.accepts(point) === true) next.push(step.kind === "any" ? at : at + 1);
    }
    if (next.length === 0) return false;
    active = follow(steps, next);
  }
  return active.has(steps.length);
}

/** With what is reached by leaving optional steps out. */
function follow(steps: readonly Step[], from: readonly number[]): ReadonlySet<number> {
  const reached = new Set<number>();
  for (let at of from) {
    while (!reached.has(at)) {
      reached.add(at);
      if ((steps[at]?.kind ?? "one") === "one") break;
      at += 1;
    }
  }
  return reached;
}

type Atom = { readonly accepts: Accepts; readonly next: number };

function readAtom(points: readonly string[], at: number): Atom | undefined {
  const character = points[at];
  if (character === ".") return { accepts: isPrintable, next: at + 1 };
  if (character === "[") return readClass(points, at + 1);
  if (character === "\\") {
    const accepts = escaped(points[at + 1]);
    return accepts === undefined ? undefined : { accepts, next: at + 2 };
  }
  if (character === undefined || META.includes(character) || !isPrintable(codeOf(character)))
    return undefined;
  return { accepts: only(character), next: at + 1 };
}

function readClass(points: readonly string[], start: number): Atom | undefined {
  const isNegated = points[start] === "^";
  const members: Accepts[] = [];
  let at = isNegated ? start + 1 : start;
  for (; points[at] !== "]"; ) {
    const character = points[at];
    if (character === undefined || character === "[") return undefined;
    if (character === "\\") {
      const accepts = escaped(points[at + 1]);
      if (accepts === undefined) return undefined;
      members.push(accepts);
      at += 2;
      continue;
    }
    const last = points[at + 2];
    if (points[at + 1] === "-" && last !== undefined && last !== "]") {
      if (last === "\\" || codeOf(last) < codeOf(character)) return undefined;
      members.push((point) => point >= codeOf(character) && point <= codeOf(last));
      at += 3;
    } else {
      members.push(only(character));
      at += 1;
    }
  }
  if (members.length === 0) return undefined;
  const isMember: Accepts = (point) => members.some((accepts) => accepts(point));
  return { accepts: (point) => isPrintable(point) && isMember(point) !== isNegated, next: at + 1 };
}

type Quantifier = { readonly least: number; readonly most: number | undefined; readonly next: number };

function readQuantifier(points: readonly string[], at: number): Quantifier | undefined {
  switch (points[at]) {
    case "*":
      return { least: 0, most: undefined, next: at + 1 };
    case "+":
      return { least: 1, most: undefined, next: at + 1 };
    case "?":
      return { least: 0, most: 1, next: at + 1 };
    case "{": {
      const [whole, least, comma, most] =
        /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(points.slice(at, at + 12).join("")) ?? [];
      if (whole === undefined || (comma === "" && most !== "")) return undefined;
      const low = Number(least);
      const high = comma === "" ? low : most === "" ? undefined : Number(most);
      return high !== undefined && high < low
        ? undefined
        : { least: low, most: high, next: at + whole.length };
    }
    default:
      return { least: 1, most: 1, next: at };
  }
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
const only = (character: string): Accepts => {
  const code = codeOf(character);
  return (point) => point === code;
};
const isPrintable: Accepts = (point) => point >= 0x20 && point !== 0x7f && !(point >= 0x80 && point < 0xa0);
const isDigit: Accepts = (point) => point >= 0x30 && point <= 0x39;
const isWord: Accepts = (point) =>
  isDigit(point) || (point >= 0x41 && point <= 0x5a) || (point >= 0x61 && point <= 0x7a) || point === 0x5f;

function escaped(character: string | undefined): Accepts | undefined {
  if (character === "d") return isDigit;
  if (character === "w") return isWord;
  return character !== undefined && (META.includes(character) || "-/".includes(character))
    ? only(character)
    : undefined;
}
